//! Every metric of the box: name, kind, unit, labels, meaning. `docs/reference/metrics.md` says the same at more length,
//! and a test keeps the two together.

use super::exposition::{Family, Kind};

/// Bounds of `tipring_answer_seconds`.
pub const ANSWER_MS: [u64; 4] = [1_000, 5_000, 15_000, 60_000];
/// Bounds of `tipring_webhook_duration_seconds`.
pub const WEBHOOK_MS: [u64; 4] = [50, 250, 1_000, 5_000];

const fn family(
    name: &'static str,
    kind: Kind,
    unit: &'static str,
    labels: &'static [&'static str],
    help: &'static str,
) -> Family {
    Family { name, kind, unit, labels, help }
}

macro_rules! families {
    ($($name:ident = $family:expr;)*) => {
        $(#[allow(missing_docs)] pub const $name: Family = $family;)*
        /// All of them.
        #[cfg(test)]
        pub const ALL: &[&Family] = &[$(&$name),*];
    };
}

use Kind::{Counter, Gauge, Histogram, Info, Summary};

families! {
    BUILD = family("tipring_build", Info, "", &["version", "commit"], "What runs on this box.");
    LINES = family("tipring_lines", Gauge, "", &["kind", "state"], "Lines by what they are doing.");
    SPAN_ALARM = family("tipring_span_alarm", Gauge, "", &["span", "alarm"], "1 while the span has the alarm.");
    SPAN_ERRORS = family("tipring_span_errors", Counter, "", &["span", "kind"], "Errors that the card saw on the span.");
    CALLS_ACTIVE = family("tipring_calls_active", Gauge, "", &["direction"], "Calls that are up.");
    CALLS = family("tipring_calls", Counter, "", &["direction", "result"], "Calls that ended, by how.");
    ANSWER = family("tipring_answer_seconds", Histogram, "seconds", &[], "From the begin of a call to its answer.");
    WEBHOOK_REQUESTS =
        family("tipring_webhook_requests", Counter, "", &["outcome"], "Requests to application servers that ended.");
    WEBHOOK_DURATION = family(
        "tipring_webhook_duration_seconds", Histogram, "seconds", &[], "Duration of requests to application servers.");
    FALLBACK = family("tipring_fallback", Counter, "", &["reason"], "Fallbacks that were asked, and apologies.");
    MEDIA_UNDERRUNS = family(
        "tipring_media_underruns", Counter, "", &[], "Gaps in what callers heard: the sound came too slowly.");
    MEDIA_LATE =
        family("tipring_media_late_seconds", Histogram, "seconds", &[], "How late audio ticks were that were late.");
    TTS = family("tipring_tts_seconds", Summary, "seconds", &[], "Time that speech engines took for texts.");
    CACHE_REQUESTS =
        family("tipring_cache_requests", Counter, "", &["result"], "Requests for sounds, by what the cache had.");
    RECORDINGS = family("tipring_recordings_bytes", Gauge, "bytes", &[], "Size of all recordings on the disk.");
    DISK_FREE = family("tipring_disk_free_bytes", Gauge, "bytes", &["area"], "Free space for the service.");
    CALLS_BLOCKED = family("tipring_calls_blocked", Counter, "", &["reason"], "Calls that were refused.");
    AUTH_FAILURES = family("tipring_auth_failures", Counter, "", &["surface"], "Wrong or missing credentials.");
    RELOAD_OK = family(
        "tipring_config_last_reload_successful", Gauge, "", &[], "1 if the last load of the configuration succeeded.");
    RELOAD_AT = family(
        "tipring_config_last_reload_success_timestamp_seconds", Gauge, "seconds", &[],
        "When a configuration was last taken.");
    BOUNDS_REACHED = family(
        "tipring_bounds_reached", Counter, "", &[],
        "Times that something was left out or given up because a bound was reached.");
    PROCESS_CPU = family("process_cpu_seconds", Counter, "seconds", &[], "Processor time of the service.");
    PROCESS_RSS = family("process_resident_memory_bytes", Gauge, "bytes", &[], "Memory in use.");
    PROCESS_FDS = family("process_open_fds", Gauge, "", &[], "Open files and sockets.");
    PROCESS_MAX_FDS = family("process_max_fds", Gauge, "", &[], "Files and sockets that may be open.");
    PROCESS_THREADS = family("process_threads", Gauge, "", &[], "Threads.");
    PROCESS_START = family("process_start_time_seconds", Gauge, "seconds", &[], "When the service was started.");
    BOARD_LINK = family("tipring_board_link_up", Gauge, "", &[], "1 while the board controller answers.");
    BOARD_RELAY = family(
        "tipring_board_relay_energised", Gauge, "", &["relay"], "1 while the box has the relay's line, 0: straight through.");
    BOARD_FED = family("tipring_board_watchdog_fed", Gauge, "", &[], "1 while the board controller's watchdog has food.");
    BOARD_TRIPS = family(
        "tipring_board_trips", Counter, "", &[], "Times that the watchdog has released relays since the controller began.");
    BOARD_TEMPERATURE = family("tipring_board_temperature_celsius", Gauge, "celsius", &[], "Temperature of the board.");
    BOARD_SUPPLY = family("tipring_board_supply_volts", Gauge, "volts", &[], "Supply of the board.");
    BOARD_TEST_PASSED = family(
        "tipring_board_self_test_passed", Gauge, "", &[], "1 if every relay with a contact passed its last test.");
    BOARD_TEST_AGE = family(
        "tipring_board_self_test_age_seconds", Gauge, "seconds", &[], "Since the last test of the relays.");
    BESIDE = family("tipring_beside_active", Gauge, "", &["kind"], "Media streams and recognizers on living calls.");
    MEDIA_WORKERS = family(
        "tipring_media_workers", Gauge, "", &["kind", "state"], "Workers of the media layer, by what they are doing.");
    MEDIA_QUEUED = family("tipring_media_queued", Gauge, "", &["kind"], "Sounds and texts that wait for a worker.");
    MEDIA_WORKS = family("tipring_media_works", Counter, "", &["kind"], "Sounds and texts that a worker has begun.");
    MEDIA_WAITED = family(
        "tipring_media_waited_seconds", Counter, "seconds", &["kind"], "How long they waited for it, all together.");
    MEDIA_TURNED_AWAY = family(
        "tipring_media_turned_away", Counter, "", &["kind"], "Sounds and texts refused: too many waited.");
    MEDIA_CACHE = family(
        "tipring_media_cache", Gauge, "", &["state"], "How the cache of sounds is, 1 or 0 for each word.");
    BOUNDS = family("tipring_bounds", Counter, "", &["room", "counter"], "Every counter of every room.");
}
