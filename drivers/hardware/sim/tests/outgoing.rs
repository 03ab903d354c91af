//! Calls of the box to the exchange of the spans: what an outgoing call can meet there.
