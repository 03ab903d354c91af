//! Gateways against their far ends: a web service, a modem on a pseudo-terminal, a message centre.

mod centre;
mod modem;
mod service;
