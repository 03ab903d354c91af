//! A serial port: opened 8N1 and emptied, read with a limit, written without waiting for long. Every error is
//! the same to whoever uses it: the port is of no use any more.

use std::io::{ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serialport::{ClearBuffer, DataBits, FlowControl, Parity, SerialPort, StopBits};

/// Bits a second on the board controller's line, where nobody says otherwise.
pub const BAUD: u32 = 115_200;
/// A frame is taken by the system within this, or the port stands still.
const WRITE_LIMIT: Duration = Duration::from_millis(50);

/// Why there is no port.
#[derive(Debug, thiserror::Error)]
pub enum PortError {
    /// It could not be opened.
    #[error("{}: {source}: is the board controller there, and may this user open its port?", path.display())]
    Open {
        /// Which.
        path: PathBuf,
        /// Why.
        source: serialport::Error,
    },
    /// It is gone, or takes nothing.
    #[error("{}: {source}", path.display())]
    Lost {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// An open port.
pub(crate) struct Port {
    path: PathBuf,
    port: Box<dyn SerialPort>,
}

impl Port {
    pub(crate) fn open(path: &Path, baud: u32) -> Result<Port, PortError> {
        let failed = |source| PortError::Open { path: path.into(), source };
        let port = serialport::new(path.to_string_lossy(), baud)
            .data_bits(DataBits::Eight)
            .parity(Parity::None)
            .stop_bits(StopBits::One)
            .flow_control(FlowControl::None)
            .timeout(WRITE_LIMIT)
            .open()
            .map_err(failed)?;
        // What somebody else was told is not for us.
        port.clear(ClearBuffer::All).map_err(failed)?;
        Ok(Port { path: path.into(), port })
    }

    /// What has come, within so long; nothing is no error.
    pub(crate) fn read(&mut self, octets: &mut [u8], limit: Duration) -> Result<usize, PortError> {
        self.port.set_timeout(limit).map_err(|error| self.lost(error.into()))?;
        match self.port.read(octets) {
            Ok(0) => Err(self.lost(ErrorKind::UnexpectedEof.into())),
            Ok(count) => Ok(count),
            Err(error) if matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::Interrupted) => Ok(0),
            Err(error) => Err(self.lost(error)),
        }
    }

    pub(crate) fn write(&mut self, octets: &[u8]) -> Result<(), PortError> {
        self.port.set_timeout(WRITE_LIMIT).map_err(|error| self.lost(error.into()))?;
        self.port.write_all(octets).map_err(|error| self.lost(error))
    }

    fn lost(&self, source: std::io::Error) -> PortError {
        PortError::Lost { path: self.path.clone(), source }
    }
}
