//! The rows of `failures.md` and their scenarios. What a scenario does not name is as usual: the number 100, one call
//! that waits for the answer and for the end.

use crate::failures::Group;

pub const ROWS: &[Group] = &[
    (
        "The application",
        &[
            ("app-refuses", "refuses the connection"),
            ("app-hangs", "never answers"),
            ("app-500", "answers 500"),
            ("app-404", "answers 404"),
            ("app-breaks-off", "breaks the answer off"),
            ("app-302-loop", "redirects to itself (302)"),
            ("app-redirect-loop", "answers a document that redirects to itself"),
            ("app-broken-xml", "sends broken XML"),
            ("app-unknown-verb", "sends an unknown verb"),
            ("app-unknown-verb-strict", "sends an unknown verb, and the number is strict"),
            ("app-10-mb", "sends 10 MB"),
            ("app-html", "sends an HTML page"),
            ("app-json", "sends a type that cannot be used"),
            ("app-no-type", "sends no content type"),
            ("app-empty-answer", "sends nothing"),
            ("app-empty-document", "sends an empty document"),
            ("app-none", "is not set for the number"),
            ("callback-500", "answers 500 to the status callback, three times"),
            ("gather-attribute", "sends a Gather with a wrong attribute"),
        ],
    ),
    (
        "Fallbacks",
        &[
            ("fallback", "the application; the fallback works"),
            ("fallback-after-keys", "the application after a Gather; the fallback works"),
            ("second-fallback", "the application and the first fallback; the second works"),
            ("all-dead", "the application and both fallbacks"),
            ("all-dead-voiceless", "the application, without fallback, and no speech engine is installed"),
        ],
    ),
    (
        "Sound",
        &[
            ("media-missing", "the sound of a Play is not there (404)"),
            ("media-refused", "the host of a Play refuses the connection"),
            ("media-mistyped", "an HTML page is labelled audio/mpeg"),
            ("media-html", "the sound of a Play is an HTML page and says so"),
            ("media-truncated", "the connection is cut in the middle of a sound"),
            ("media-empty", "the sound is an empty file"),
            ("media-missing-for-ever", "the sound of a Play that repeats for ever is not there"),
            ("media-layer-down", "the media layer does not run"),
            ("say-no-language", "a Say in a language that no engine speaks"),
            ("say-no-engine", "no speech engine is installed"),
            ("say-engine-hangs", "the only speech engine hangs"),
            ("say-engine-crashes", "the only speech engine is killed"),
            ("say-engine-babbles", "the only speech engine writes what is no sound, without end"),
            ("record-silent", "nobody speaks in a Record"),
        ],
    ),
    (
        "The caller",
        &[
            ("hangs-up-before", "hangs up during the first request"),
            ("hangs-up-play", "hangs up during a Play"),
            ("hangs-up-fetch", "hangs up during a later request"),
            ("hangs-up-gather", "hangs up during a Gather"),
            ("hangs-up-record", "hangs up during a Record"),
        ],
    ),
    (
        "The line",
        &[
            ("unknown-number", "a number that nobody has is called"),
            ("channels-busy", "the 31st call on a span of 30 channels"),
            ("frames-lost", "one frame of ten is lost on the D channel"),
            ("d-channel-short", "the D channel, for 5 s of a call"),
            ("d-channel-long", "the D channel, in a call, for longer than T309 (90 s)"),
            ("d-channel-before", "the D channel, while the application is asked"),
            ("span-down", "the cable is pulled for 5 s of a call"),
            ("span-down-before", "the cable is pulled while the application is asked"),
            ("card-gone", "the card is gone in a call"),
        ],
    ),
];

pub const SCENARIOS: &[(&str, &str)] = &[
    (
        "callback-500",
        "[[number]]\nnumber = '100'\nurl = 'http://app.example/'\nstatus_callback = 'http://app.example/over'
        [[document]]\npath = '/'\nbody = '<Response><Say>Hello from the application.</Say></Response>'
        [[document]]\npath = '/over'\nstatus = 500",
    ),
    (
        "gather-attribute",
        "[[document]]\npath = '/'
        body = '<Response><Gather numDigits=\"x\" timeout=\"1\"><Say>Hello from the application.</Say></Gather></Response>'",
    ),
    (
        "media-missing-for-ever",
        "[[document]]\npath = '/'
        body = '<Response><Play loop=\"0\">/gone.wav</Play><Say>Hello from the application.</Say></Response>'",
    ),
    ("media-layer-down", "without_media = true\n[[document]]\npath = '/'
        body = '<Response><Play>/a.wav</Play><Say>Never heard.</Say><Gather timeout=\"1\"/></Response>'"),
    (
        "frames-lost",
        "[faults]\nframe_loss_one_in = 10
        [[document]]\npath = '/'\nbody = '<Response><Say>Hello from the application.</Say></Response>'",
    ),
    ("app-refuses", "dead_hosts = ['app.example']"),
    ("app-hangs", "[[document]]\npath = '/'\nnever = true"),
    ("app-500", "[[document]]\npath = '/'\nstatus = 500\nbody = 'no'"),
    ("app-404", ""),
    ("app-breaks-off", "[[document]]\npath = '/'\ncut_at = 20\nbody = '<Response><Say>Never heard.</Say></Response>'"),
    ("app-302-loop", "[[document]]\npath = '/'\nstatus = 302\nlocation = '/'"),
    ("app-redirect-loop", "[[document]]\npath = '/'\nbody = '<Response><Redirect>/</Redirect></Response>'"),
    ("app-broken-xml", "[[document]]\npath = '/'\nbody = '<Response><Say>Never heard.</Response>'"),
    (
        "app-unknown-verb",
        "[[document]]\npath = '/'
        body = '<Response><Sai>Never heard.</Sai><Say>Hello from the application.</Say></Response>'",
    ),
    (
        "app-unknown-verb-strict",
        "[[number]]\nnumber = '100'\nurl = 'http://app.example/'\ndocuments = 'strict'
        [[document]]\npath = '/'
        body = '<Response><Sai>Never heard.</Sai><Say>Hello from the application.</Say></Response>'",
    ),
    ("app-10-mb", "[[document]]\npath = '/'\nbody = '<Response/>'\npad_to = 10000000"),
    (
        "app-html",
        "[[document]]\npath = '/'\ntype = 'text/html'
        body = '<!DOCTYPE html><html><head><title>Hello</title><body><p>A page<br></body></html>'",
    ),
    ("app-json", "[[document]]\npath = '/'\ntype = 'application/json'\nbody = '{}'"),
    ("app-no-type", "[[document]]\npath = '/'\ntype = ''\nbody = '<Response/>'"),
    ("app-empty-answer", "[[document]]\npath = '/'\nbody = ''"),
    ("app-empty-document", "[[document]]\npath = '/'\nbody = '<Response/>'"),
    ("app-none", "[[number]]\nnumber = '100'\nurl = ''"),
    (
        "fallback",
        "[[number]]\nnumber = '100'\nurl = 'http://app.example/'\nfallback = ['http://spare.example/spare']
        [[document]]\npath = '/'\nstatus = 500
        [[document]]\npath = '/spare'\nbody = '<Response><Say>This is the fallback.</Say></Response>'",
    ),
    (
        "fallback-after-keys",
        "[[number]]\nnumber = '100'\nurl = 'http://app.example/'\nfallback = ['http://spare.example/spare']
        [[document]]\npath = '/'
        body = '<Response><Gather numDigits=\"1\" action=\"/gone\"><Say>Hello from the application.</Say></Gather></Response>'
        [[document]]\npath = '/spare'\nwhen = { Digits = '7' }
        body = '<Response><Say>This is the fallback.</Say></Response>'
        [[call]]\nid = 'caller'\nto = '100'
        does = [{ await_answer = {} }, { await_quiet = {} }, { press = { keys = '7' } }, { await_hangup = {} }]",
    ),
    (
        "second-fallback",
        "dead_hosts = ['app.example', 'spare.example']
        [[number]]\nnumber = '100'\nurl = 'http://app.example/'
        fallback = ['http://spare.example/', 'http://spare-2.example/spare']
        [[document]]\npath = '/spare'\nbody = '<Response><Say>This is the second fallback.</Say></Response>'",
    ),
    (
        "all-dead",
        "dead_hosts = ['app.example', 'spare.example']
        [[number]]\nnumber = '100'\nurl = 'http://app.example/'
        fallback = ['http://spare.example/', 'http://spare-2.example/']
        [[document]]\npath = '/'\nstatus = 503",
    ),
    ("all-dead-voiceless", "dead_hosts = ['app.example']\nvoiceless = true"),
    (
        "media-missing",
        "[[document]]\npath = '/'
        body = '<Response><Play>http://media.example/gone.wav</Play><Say>Hello from the application.</Say></Response>'",
    ),
    (
        "media-refused",
        "dead_hosts = ['media.example']
        [[document]]\npath = '/'
        body = '<Response><Play>http://media.example/a.wav</Play><Say>Hello from the application.</Say></Response>'",
    ),
    (
        "media-mistyped",
        "[[document]]\npath = '/'
        body = '<Response><Play>/a.mp3</Play><Say>Hello from the application.</Say></Response>'
        [[document]]\npath = '/a.mp3'\ntype = 'audio/mpeg'\nbody = '<!DOCTYPE html><html><body>Not here</body></html>'",
    ),
    (
        "media-html",
        "[[document]]\npath = '/'
        body = '<Response><Play>/a.mp3</Play><Say>Hello from the application.</Say></Response>'
        [[document]]\npath = '/a.mp3'\ntype = 'text/html'\nbody = '<!DOCTYPE html><html><body>Not here</body></html>'",
    ),
    (
        "media-truncated",
        "[[document]]\npath = '/'
        body = '<Response><Play>/a.wav</Play><Say>Hello from the application.</Say></Response>'
        [[document]]\npath = '/a.wav'\nbody = '@announcement'\ncut_at = 16000",
    ),
    (
        "media-empty",
        "[[document]]\npath = '/'
        body = '<Response><Play>/a.wav</Play><Say>Hello from the application.</Say></Response>'
        [[document]]\npath = '/a.wav'\ntype = 'audio/wav'\nbody = ''",
    ),
    (
        "say-no-language",
        "[[document]]\npath = '/'
        body = '<Response><Say language=\"tlh\">Qapla</Say><Say>Hello from the application.</Say></Response>'",
    ),
    (
        "say-no-engine",
        "voiceless = true
        [[document]]\npath = '/'
        body = '<Response><Say>Hello from the application.</Say><Play>/a.wav</Play></Response>'
        [[document]]\npath = '/a.wav'\nbody = '@announcement'",
    ),
    (
        "say-engine-hangs",
        "engine = 'hangs'
        [[document]]\npath = '/'
        body = '<Response><Say>Hello from the application.</Say><Play>/a.wav</Play></Response>'
        [[document]]\npath = '/a.wav'\nbody = '@announcement'",
    ),
    (
        "say-engine-crashes",
        "engine = 'crashes'
        [[document]]\npath = '/'
        body = '<Response><Say>Hello from the application.</Say><Play>/a.wav</Play></Response>'
        [[document]]\npath = '/a.wav'\nbody = '@announcement'",
    ),
    (
        "say-engine-babbles",
        "engine = 'babbles'
        [[document]]\npath = '/'
        body = '<Response><Say>Hello from the application.</Say><Play>/a.wav</Play></Response>'
        [[document]]\npath = '/a.wav'\nbody = '@announcement'",
    ),
    (
        "record-silent",
        "[[document]]\npath = '/'
        body = '<Response><Record timeout=\"2\" action=\"/kept\"/><Say>Hello from the application.</Say></Response>'",
    ),
    (
        "hangs-up-before",
        "[[document]]\npath = '/'\nlatency_ms = 5000
        body = '<Response><Say>Hello from the application.</Say></Response>'
        [[call]]\nid = 'caller'\nto = '100'\ndoes = [{ wait = { ms = 1000 } }, { hangup = {} }]",
    ),
    (
        "hangs-up-play",
        "[[document]]\npath = '/'\nbody = '<Response><Play>/a.wav</Play></Response>'
        [[document]]\npath = '/a.wav'\nbody = '@announcement'
        [[call]]\nid = 'caller'\nto = '100'\ndoes = [{ await_answer = {} }, { wait = { ms = 1000 } }, { hangup = {} }]",
    ),
    (
        "hangs-up-fetch",
        "[[document]]\npath = '/'
        body = '<Response><Say>Hello from the application.</Say><Redirect>/slow</Redirect></Response>'
        [[document]]\npath = '/slow'\nlatency_ms = 9000
        body = '<Response><Say>Never heard.</Say></Response>'
        [[call]]\nid = 'caller'\nto = '100'\ndoes = [{ await_answer = {} }, { await_quiet = {} }, { hangup = {} }]",
    ),
    (
        "hangs-up-gather",
        "[[document]]\npath = '/'
        body = '<Response><Gather action=\"/keys\"><Say>Hello from the application.</Say></Gather></Response>'
        [[call]]\nid = 'caller'\nto = '100'
        does = [{ await_answer = {} }, { await_quiet = {} }, { press = { keys = '12' } }, { hangup = {} }]",
    ),
    (
        "hangs-up-record",
        "[[document]]\npath = '/'\nbody = '<Response><Record action=\"/kept\"/></Response>'
        [[call]]\nid = 'caller'\nto = '100'
        does = [{ await_answer = {} }, { await_quiet = {} }, { tone = { hz = 440, ms = 2000 } }, { hangup = {} }]
        [[document]]\npath = '/kept'\nbody = '<Response/>'",
    ),
    (
        "unknown-number",
        "[[call]]\nid = 'caller'\nto = '999'\ndoes = [{ await_answer = {} }, { await_hangup = {} }]",
    ),
    (
        "channels-busy",
        "[[document]]\npath = '/'\nbody = '<Response><Pause length=\"4\"/></Response>'
        [[call]]\nid = 'caller'\nto = '100'\ntimes = 31\nevery_ms = 20
        does = [{ await_answer = {} }, { await_hangup = {} }]",
    ),
    (
        "d-channel-short",
        "[faults]\nd_channel_down_at_ms = 4000\nd_channel_down_for_ms = 5000
        [[document]]\npath = '/'
        body = '<Response><Play>/a.wav</Play><Pause length=\"12\"/><Say>Hello from the application.</Say></Response>'
        [[document]]\npath = '/a.wav'\nbody = '@announcement'",
    ),
    (
        "d-channel-long",
        "limit_s = 400\n[faults]\nd_channel_down_at_ms = 4000\nd_channel_down_for_ms = 130000
        [[document]]\npath = '/'
        body = '<Response><Say>Hello from the application.</Say><Pause length=\"170\"/></Response>'
        [[call]]\nid = 'caller'\nto = '100'\ndoes = [{ await_answer = {} }, { await_hangup = { limit_ms = 300000 } }]",
    ),
    (
        "d-channel-before",
        "limit_s = 400\n[faults]\nd_channel_down_at_ms = 3000\nd_channel_down_for_ms = 130000
        [[document]]\npath = '/'\nlatency_ms = 2000
        body = '<Response><Say>Hello from the application.</Say></Response>'
        [[call]]\nid = 'caller'\nto = '100'\ndoes = [{ await_answer = {} }, { await_hangup = { limit_ms = 300000 } }]",
    ),
    (
        "span-down",
        "[faults]\nspan_down_at_ms = 4000\nspan_down_for_ms = 5000
        [[document]]\npath = '/'
        body = '<Response><Play>/a.wav</Play><Pause length=\"12\"/><Say>Hello from the application.</Say></Response>'
        [[document]]\npath = '/a.wav'\nbody = '@announcement'",
    ),
    (
        "span-down-before",
        "[faults]\nspan_down_at_ms = 3000\nspan_down_for_ms = 5000
        [[document]]\npath = '/'\nlatency_ms = 2000
        body = '<Response><Say>Hello from the application.</Say></Response>'",
    ),
    (
        "card-gone",
        "[faults]\ncard_gone_at_ms = 5000
        [[document]]\npath = '/'
        body = '<Response><Say>Hello from the application.</Say><Pause length=\"20\"/></Response>'",
    ),
];
