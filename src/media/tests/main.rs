//! The media layer on its real socket, against an origin with an access log. One module a theme; a test is named after
//! the row of the feature table that it holds down.

mod answering;
mod caching;
mod caged;
mod decoders;
mod desk;
mod documents;
mod engines;
mod face;
mod formats;
mod full;
mod hostile;
mod judge;
mod kept;
mod kills;
mod layers;
mod listening;
mod network;
mod origin;
mod quality;
mod room;
mod sealed;
mod sharing;
mod speaking;
mod streaming;
mod vault;
mod workers;
