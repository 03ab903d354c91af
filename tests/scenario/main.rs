//! The whole box on virtual time: telephones, a line, a card, the service, real HTTP to real applications. What these
//! tests look at is the sound in the telephone and the requests in the application's log; rooms have tests of their own.

mod audio;
mod crowd;
mod desk;
mod determinism;
mod failures;
mod failures_outbound;
mod failures_rows;
mod files;
mod guard;
mod hangups;
mod hostile;
mod index;
mod legs;
mod rows;
mod rows_analog;
mod rows_api;
mod rows_beside;
mod rows_bridge;
mod rows_cached;
mod rows_calls;
mod rows_dial;
mod rows_documents;
mod rows_errors;
mod rows_kept;
mod rows_lan;
mod rows_live;
mod rows_media;
mod rows_outgoing;
mod rows_rooms;
mod rows_tenants;
mod rows_trust;
mod rows_verbs;
mod sound;
mod wan;
mod world;
