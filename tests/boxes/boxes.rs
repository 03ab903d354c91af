//! Boxes as processes, their store, and how a program asks them.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use base64::Engine as _;

/// The server of the tests; without one they say that they are skipped.
pub fn postgres() -> Option<String> {
    let required = std::env::var("TIPRING_REQUIRE").is_ok_and(|list| list.split(',').any(|part| part == "postgres"));
    let url = std::env::var("TIPRING_TEST_POSTGRES").ok();
    assert!(url.is_some() || !required, "TIPRING_REQUIRE names postgres, but TIPRING_TEST_POSTGRES names no server");
    if url.is_none() {
        let skipped =
            "SKIPPED: several boxes are not tested: TIPRING_TEST_POSTGRES names no server (scripts/with-postgres)";
        drop(writeln!(std::io::stderr(), "{skipped}"));
    }
    url
}

/// Boxes that share a store.
pub struct Cluster {
    pub dir: PathBuf,
    url: String,
    /// More of each box's configuration, and what it says of its media layer.
    more: String,
    boxes: BTreeMap<String, Child>,
}

/// Two of them.
pub struct Pair {
    pub a: TipringBox,
    pub b: TipringBox,
    pub cluster: Cluster,
}

/// Where a box is asked, and with what.
pub struct TipringBox {
    pub api: String,
    pub account: String,
    token: String,
    pub state: PathBuf,
}

/// An answer.
pub struct Got {
    pub status: u16,
    pub head: String,
    pub text: String,
    pub body: Vec<u8>,
}

impl Got {
    /// A member of the JSON.
    pub fn word(&self, name: &str) -> String {
        let value: serde_json::Value = serde_json::from_str(&self.text).unwrap_or_default();
        value[name].as_str().unwrap_or_default().to_owned()
    }

    /// A line of the head.
    pub fn header(&self, name: &str) -> &str {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(known, _)| *known == name).map(|(_, value)| value).next().unwrap_or_default()
    }
}

impl Cluster {
    pub fn new(name: &str, server: &str) -> Cluster {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let dir = std::env::temp_dir().join(format!("tipring-boxes-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        std::fs::create_dir_all(&dir).expect("a folder");
        let database = format!("boxes_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(fresh_database(server, &database));
        let url = format!("{}/{database}", server.rsplit_once('/').expect("a database").0);
        let cluster = Cluster { dir, url, more: String::new(), boxes: BTreeMap::new() };
        cluster.write_key("the key of these boxes, with enough letters");
        cluster
    }

    pub fn pair(name: &str, server: &str) -> Pair {
        let mut cluster = Cluster::new(name, server);
        let (a, b) = (cluster.start("a"), cluster.start("b"));
        Pair { a, b, cluster }
    }

    /// The boxes that start from now on have this configuration too.
    pub fn configure(&mut self, more: String) {
        self.more = more;
    }

    /// A file of the cluster's own, whose path a configuration may name.
    pub fn write(&self, name: &str, text: &str) -> String {
        let path = self.dir.join(name);
        std::fs::write(&path, text).expect("written");
        path.display().to_string()
    }

    pub fn write_key(&self, key: &str) {
        std::fs::write(self.dir.join("boxes.key"), key).expect("written");
    }

    /// Starts a box, and waits until its API answers.
    pub fn start(&mut self, name: &str) -> TipringBox {
        let (here, dir) = (self.dir.join(name), self.dir.display());
        std::fs::create_dir_all(&here).expect("a folder");
        let at = here.display();
        let config = format!(
            "[box]\nname = \"{name}\"\ncountry = \"gb\"\nstate_dir = \"{at}/state\"\ncache_dir = \"{at}/cache\"\n\
             runtime_dir = \"{at}/run\"\nstore = \"{url}\"\ndrain_s = 0\n\
             [listen]\napi = \"127.0.0.1:0\"\nmetrics = \"\"\n\
             [outbound]\nopen = [\"national\"]\n\
             [boxes]\nlisten = \"127.0.0.1:0\"\nkey_file = \"{dir}/boxes.key\"\n\
             [[card]]\nkind = \"sim\"\n\
             [[number]]\nnumber = \"+442079460100\"\nurl = \"http://127.0.0.1:1/\"\n{more}",
            url = self.url,
            more = self.more
        );
        std::fs::write(here.join("box.toml"), config).expect("written");
        let mut command = Command::new(env!("CARGO_BIN_EXE_tipring"));
        for (variable, _) in std::env::vars_os().filter(|(it, _)| it.as_encoded_bytes().starts_with(b"TIPRING_")) {
            command.env_remove(variable);
        }
        let log = std::fs::File::create(self.dir.join(format!("{name}.log"))).expect("a log");
        let spawned = command
            .args(["serve", "--config", "box.toml"])
            .env("TIPRING_LOG", "warn")
            .current_dir(&here)
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn();
        let mut child = spawned.expect("it starts");
        let mut said = String::new();
        BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut said).expect("a line");
        self.boxes.insert(name.to_owned(), child);
        let api = said.split("http://").nth(1).and_then(|it| it.split(';').next());
        let api = api.unwrap_or_else(|| panic!("{name}: {said}{}", self.log(name))).to_owned();
        let state = here.join("state");
        let text = std::fs::read_to_string(state.join("account.json")).expect("credentials");
        let known: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let word = |name: &str| known[name].as_str().unwrap_or_else(|| panic!("{name}: {known}")).to_owned();
        TipringBox { api, account: word("account"), token: word("token"), state }
    }

    /// kill -9.
    pub fn kill(&mut self, name: &str) {
        let mut child = self.boxes.remove(name).expect("it runs");
        child.kill().expect("it is killed");
        child.wait().expect("it is gone");
    }

    /// What it has said on standard error.
    pub fn log(&self, name: &str) -> String {
        std::fs::read_to_string(self.dir.join(format!("{name}.log"))).unwrap_or_default()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for child in self.boxes.values_mut() {
            let _ = child.kill();
            let _ = child.wait();
        }
        if !std::thread::panicking() {
            let _ = std::fs::remove_dir_all(&self.dir);
        }
    }
}

async fn fresh_database(server: &str, name: &str) {
    sqlx::any::install_default_drivers();
    let pool = sqlx::AnyPool::connect(server).await.expect("the server");
    sqlx::query(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&pool).await.expect("a database");
    pool.close().await;
}

impl TipringBox {
    /// A call out that is answered and waits.
    pub fn call(&self, to: &str) -> String {
        let document = "<Response><Pause length='300'/></Response>";
        let made = self.post("/Calls.json", &[("To", to), ("From", "+442079460100"), ("Twiml", document)]);
        assert_eq!(made.status, 201, "{}", made.text);
        made.word("sid")
    }

    pub fn status_of(&self, call: &str) -> String {
        self.get(&format!("/Calls/{call}.json")).word("status")
    }

    /// Whether the sound of a recording is on this box.
    pub fn has_recording(&self, sid: &str) -> bool {
        ["part", "wav"].iter().any(|it| self.state.join(format!("recordings/{sid}.{it}")).exists())
    }

    /// The same call, whose document is said, and which is recorded.
    pub fn recorded_call(&self, to: &str, document: &str) -> String {
        let form = [("To", to), ("From", "+442079460100"), ("Twiml", document), ("Record", "true")];
        let made = self.post("/Calls.json", &form);
        assert_eq!(made.status, 201, "{}", made.text);
        made.word("sid")
    }

    pub fn get(&self, path: &str) -> Got {
        self.ask("GET", path, &[], true)
    }

    pub fn get_with(&self, method: &str, path: &str, header: &str) -> Got {
        self.send(&format!("{method} {}{path} HTTP/1.1\r\n{}{header}", self.place(), self.word()), b"")
    }

    /// By a URL of its API, without credentials.
    pub fn get_open(&self, url: &str) -> Got {
        let path = url.split_once("/2010-04-01").map(|(_, path)| path).expect("a URL of the API");
        self.send(&format!("GET /2010-04-01{path} HTTP/1.1\r\n"), b"")
    }

    pub fn post(&self, path: &str, form: &[(&str, &str)]) -> Got {
        self.ask("POST", path, form, true)
    }

    pub fn delete(&self, path: &str) -> Got {
        self.ask("DELETE", path, &[], true)
    }

    pub fn without_credentials(&self, path: &str) -> Got {
        self.ask("POST", path, &[("Status", "completed")], false)
    }

    fn ask(&self, method: &str, path: &str, form: &[(&str, &str)], known: bool) -> Got {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let word = if known { self.word() } else { String::new() };
        let head = format!(
            "{method} {}{path} HTTP/1.1\r\n{word}Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n",
            self.place(),
            body.len()
        );
        self.send(&head, body.as_bytes())
    }

    fn place(&self) -> String {
        format!("/2010-04-01/Accounts/{}", self.account)
    }

    fn word(&self) -> String {
        let word = base64::engine::general_purpose::STANDARD.encode(format!("{}:{}", self.account, self.token));
        format!("Authorization: Basic {word}\r\n")
    }

    fn send(&self, head: &str, body: &[u8]) -> Got {
        let mut stream = TcpStream::connect(&self.api).expect("it listens");
        let head = format!("{head}Host: {}\r\nConnection: close\r\n\r\n", self.api);
        stream.write_all(&[head.as_bytes(), body].concat()).expect("it reads");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("it answers");
        let end = answer.windows(4).position(|it| it == b"\r\n\r\n").unwrap_or(answer.len());
        let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
        let body = answer.get(end + 4..).unwrap_or_default().to_vec();
        let status = head.split(' ').nth(1).and_then(|it| it.parse().ok()).unwrap_or_else(|| panic!("{head}"));
        Got { status, head, text: String::from_utf8_lossy(&body).into_owned(), body }
    }
}
