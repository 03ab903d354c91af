//! The whole box on virtual time: telephones, a line, a card, the service, real HTTP to real applications. What these
//! tests look at is the sound in the telephone and the requests in the application's log; rooms have tests of their own.

mod audio;
mod determinism;
mod failures;
mod failures_rows;
mod files;
mod index;
mod rows_calls;
mod rows_errors;
mod rows_verbs;
mod sound;
mod world;
