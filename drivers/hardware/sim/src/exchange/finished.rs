//! Reports of calls that are over, kept until somebody takes them.

use std::collections::VecDeque;

use super::{CallReport, MAX_FINISHED, MAX_FINISHED_OCTETS};

/// The reports, oldest first; when there are too many the oldest goes.
#[derive(Default)]
pub(crate) struct Finished {
    reports: VecDeque<CallReport>,
    octets: usize,
}

impl Finished {
    pub fn keep(&mut self, report: CallReport) {
        self.octets += report.phone.heard().len();
        self.reports.push_back(report);
        while self.reports.len() > MAX_FINISHED || self.octets > MAX_FINISHED_OCTETS {
            let Some(oldest) = self.reports.pop_front() else {
                break;
            };
            self.octets -= oldest.phone.heard().len();
        }
    }

    pub fn take(&mut self) -> Vec<CallReport> {
        self.octets = 0;
        self.reports.drain(..).collect()
    }

    pub fn iter(&self) -> impl Iterator<Item = &CallReport> {
        self.reports.iter()
    }
}
