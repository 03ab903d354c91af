//! The store on real files: SQLite always, PostgreSQL where `TIPRING_TEST_POSTGRES` names a server.

mod blobs;
mod crash;
mod lists;
mod postgres;
mod resources;
mod sharing;
mod support;
mod writes;
