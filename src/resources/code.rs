//! The error and warning codes that people know, with what they mean and what to do. Every code that the box can utter
//! stands in [`TABLE`]; the API's `more_info` pages are made from it.

use serde::{Deserialize, Serialize};

/// An error or warning code, e.g. 11200.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Code(pub u32);

/// How bad it is. The API writes `0` for an error and `1` for a warning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// The document or the request ended.
    Error,
    /// It went on.
    Warning,
}

impl Code {
    /// What it means in short.
    pub fn meaning(self) -> &'static str {
        self.row().map_or("unknown code", |row| row.1)
    }

    /// What a developer does about it.
    pub fn remedy(self) -> &'static str {
        self.row().map_or("report it with the notification's text", |row| row.2)
    }

    fn row(self) -> Option<&'static (u32, &'static str, &'static str)> {
        TABLE.iter().find(|row| row.0 == self.0)
    }

    /// All codes, with meaning and remedy.
    pub fn all() -> &'static [(u32, &'static str, &'static str)] {
        TABLE
    }
}

/// Code, meaning, remedy; ascending.
const TABLE: &[(u32, &str, &str)] = &[
    (10003, "the call was refused", "give the number an application, or expect the cause that the caller got"),
    (10004, "no line was free in time", "add lines to the group, or let calls wait longer with outbound.queue_s"),
    (11100, "the URL is malformed", "use an absolute http or https URL"),
    (11200, "the application could not be fetched", "see the status and body of the answer in the notification"),
    (11201, "the connection timed out", "check that the application's host is up and reachable from the box"),
    (11202, "the connection was refused", "start the application, or correct the port in the URL"),
    (11203, "the time for the request was used up", "answer faster, or set #tt= in the URL"),
    (11205, "the connection failed", "check the network between the box and the application"),
    (11206, "the answer is not HTTP", "check that the port speaks HTTP, and the scheme of the URL"),
    (11210, "the host name is unknown", "check the name and the box's name server"),
    (11215, "too many redirects", "let the application answer instead of redirecting to itself"),
    (11220, "the TLS handshake failed", "check the certificate and TLS version of the application"),
    (11235, "the certificate is for another name", "use the name in the certificate, or a certificate for this name"),
    (11236, "the certificate has expired", "renew it"),
    (11237, "the certificate's issuer is unknown", "install the issuing CA on the box"),
    (11243, "the retry policy in the URL is wrong", "use rp= with 4xx, 5xx, ct, rt or all"),
    (11750, "the answer is too large", "keep a document below 64 kB"),
    (11770, "the answer is empty", "answer with a document; <Response/> ends the call"),
    (12100, "the document is not well-formed XML", "correct it at the line and column that the text names"),
    (12101, "the document's version attribute is wrong", "leave it out"),
    (12102, "the root element is not Response", "put the verbs into <Response>"),
    (12200, "an unknown element or attribute was passed over", "names are case-sensitive; see the line and column"),
    (12300, "the content type cannot be used", "answer text/xml, text/plain or audio"),
    (12400, "the box itself failed", "report it with the notification's text"),
    (13000, "Dial: a conference or queue must be alone", "put it into a <Dial> of its own"),
    (13210, "Dial: invalid method", "GET or POST"),
    (13211, "Dial: answering machines are not recognized", "leave the attribute out; whoever answers is connected"),
    (13212, "Dial: invalid timeout", "5 to 600 seconds"),
    (13213, "Dial: invalid hangupOnStar", "true or false"),
    (13214, "Dial: invalid callerId", "a number of the account, or one that is verified"),
    (13215, "Dial: a target was passed over", "at most ten nouns, and no text beside them"),
    (13216, "Dial: invalid timeLimit", "1 to 86400 seconds"),
    (13217, "Dial: invalid record", "see the words that the text names"),
    (13218, "Dial: invalid sequential", "true or false"),
    (13219, "Dial: invalid answerOnBridge", "true or false"),
    (13220, "Dial: invalid ringTone", "automatic, or the code of a country in the list"),
    (13221, "Number: invalid method or statusCallbackEvent", "see the words that the text names"),
    (13222, "Number: invalid sendDigits", "0-9 * # A-D, w and W"),
    (13223, "Number: invalid phone number", "use E.164, e.g. +12025550100, or the digits that are dialled"),
    (13224, "Number: the number cannot be reached", "see the text: its group, its line, or the cause"),
    (13225, "Number: the number is blocked", "see the text"),
    (13227, "Number: numbers of this class are closed", "open the class with outbound.open in the configuration"),
    (13243, "Sip: invalid URI", "sip:user@host"),
    (13310, "Gather: invalid finishOnKey", "one of 0-9 # *, or empty"),
    (13311, "Gather: invalid method", "GET or POST"),
    (13312, "Gather: invalid timeout", "a positive whole number of seconds"),
    (13313, "Gather: invalid numDigits", "a positive whole number"),
    (13320, "Gather: this verb may not stand inside", "only Say, Play and Pause may"),
    (13326, "Gather: invalid or unavailable input", "dtmf; speech needs a recognizer, which this box does not have"),
    (13332, "Gather: invalid bargeIn", "true or false"),
    (13338, "Gather: invalid actionOnEmptyResult", "true or false"),
    (13410, "Play: invalid loop", "0 or a positive whole number"),
    (13420, "Play: the content cannot be played", "use WAV, MP3, OGG, FLAC or G.711"),
    (13430, "Play: invalid digits", "0-9 * # A-D, w and W"),
    (13510, "Say: invalid loop", "0 or a positive whole number"),
    (13511, "Say: unknown voice", "the nearest local voice was used"),
    (13512, "Say: unknown language", "use a language tag such as en-GB"),
    (13520, "Say: the text is empty or invalid", "give a text"),
    (13521, "Say: the text is too long", "keep it below 4096 characters"),
    (13610, "Record: invalid timeout", "a whole number of seconds"),
    (13611, "Record: invalid method", "GET or POST"),
    (13612, "Record: invalid maxLength", "2 to 14400 seconds"),
    (13613, "Record: invalid finishOnKey", "any of 0-9 * #, or empty"),
    (13614, "Record: invalid transcribe", "true or false"),
    (13616, "Record: invalid playBeep", "true or false"),
    (13618, "Record: transcription is not available", "no recognizer is configured; the call goes on"),
    (13620, "Record: invalid recordingStatusCallbackEvent", "in-progress, completed, absent"),
    (13699, "Record or Dial: invalid trim", "trim-silence or do-not-trim"),
    (13710, "Redirect: invalid method", "GET or POST"),
    (13810, "Reject: invalid reason", "rejected or busy"),
    (13910, "Pause: invalid length", "a positive whole number of seconds"),
    (15003, "a status callback was answered with an error", "answer 2xx"),
    (15004, "an inline document needs absolute URLs", "write the whole URL"),
    (16101, "the recording is too short", "speak longer than a tenth of a second"),
    (16102, "the recording is silent", "check the line's level"),
    (16113, "a mono recording has one channel", "ask without RequestedChannels"),
    (20001, "an unknown parameter was ignored", "see the resource's documentation"),
    (20002, "a parameter is invalid", "see the resource's documentation"),
    (20003, "the credentials are missing or wrong", "use the account's SID and token"),
    (20004, "the method is not allowed", "see the resource's documentation"),
    (20005, "the account is not active", "activate it"),
    (20007, "the page size is too large", "use at most 1000"),
    (20009, "the resource is still in use", "end the call or recording first"),
    (20403, "this is forbidden", "use the credentials of its account"),
    (20404, "there is no such resource", "check the SID and the account"),
    (20409, "the resource is in the way of another", "see the text"),
    (20413, "the request is too large", "send less"),
    (20415, "the body is of the wrong kind", "send application/x-www-form-urlencoded"),
    (20422, "a parameter is invalid", "see the text"),
    (20429, "too many requests", "wait as Retry-After says"),
    (20500, "the box itself failed", "report it"),
    (20503, "the box cannot do it at the moment", "try again later"),
    (21201, "To is missing", "say whom to call"),
    (21205, "Url or Twiml is missing", "give one of them"),
    (21206, "SendDigits is invalid", "at most 32 of 0-9 A-D # * w W; w waits half a second, W a second"),
    (21208, "Timeout is invalid", "a whole number of seconds from 1 to 600"),
    (21209, "the method is invalid", "use GET or POST"),
    (21210, "From is not one of the account's numbers", "use a number of the account or a verified caller id"),
    (21211, "To is invalid", "a telephone number, e.g. +12025550100, or the line's own digits"),
    (21212, "From is invalid", "a number of the account or a verified caller id"),
    (21213, "From is missing", "say which number calls"),
    (21215, "this class of numbers may not be called", "open it in the configuration, at [outbound]"),
    (21216, "this number may not be called", "see the text"),
    (21217, "To cannot be a telephone number", "use E.164, e.g. +12025550100"),
    (21218, "ApplicationSid cannot be used", "applications are not available on this box yet: give Url or Twiml"),
    (
        21220,
        "the call is not in the needed state",
        "see its status: an ended call cannot be changed, an answered one not be canceled",
    ),
    (
        21234,
        "answering machines cannot be told from people yet",
        "leave MachineDetection and its settings out; the call is made without it",
    ),
    (21402, "the URL is invalid", "use an absolute http or https URL"),
    (21403, "the method is invalid", "use GET or POST"),
    (21405, "a fallback without a main URL", "set VoiceUrl too"),
    (21421, "the phone number is invalid", "use E.164, e.g. +12025550100, or the line's own digits"),
    (21422, "the phone number is in use", "delete it first, or update it"),
    (21481, "the page token is invalid", "begin at the first page"),
    (21609, "StatusCallback is invalid", "use an absolute http or https URL"),
    (
        21626,
        "StatusCallbackEvent is invalid",
        "initiated, ringing, answered, completed; of recordings in-progress, completed, absent",
    ),
    (32018, "the inline document is too long", "keep Twiml below 4000 characters, or give Url"),
    (32019, "Url and Twiml are both given", "leave one out: Url was used"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_ascends_so_that_no_code_stands_twice() {
        assert!(TABLE.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }

    #[test]
    fn every_code_says_what_to_do() {
        assert!(TABLE.iter().all(|row| !row.1.is_empty() && !row.2.is_empty()));
        assert_eq!(Code(11200).meaning(), "the application could not be fetched");
    }
}
