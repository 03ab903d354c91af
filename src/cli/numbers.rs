//! `tipring numbers set`: gives a number to an application over the box's own API. The API's address and credentials are
//! taken from the running demonstration when none are given.

use clap::Args;
use serde_json::Value;
use tipring_egress::{Client, Limits, Method, Request};

use crate::daemon::dev;
use crate::daemon::serve::StartError;

/// Which API, and who asks.
#[derive(Debug, Args)]
pub struct Api {
    /// Address of the API, e.g. http://127.0.0.1:8080
    #[arg(long, env = "TIPRING_API")]
    api: Option<String>,
    /// Account SID
    #[arg(long, env = "TIPRING_ACCOUNT")]
    account: Option<String>,
    /// The account's token
    #[arg(long, env = "TIPRING_TOKEN", hide_env_values = true)]
    token: Option<String>,
}

struct Target {
    api: String,
    account: String,
    token: String,
}

/// Sets a number's application, making the number if there is none.
pub async fn set(number: &str, url: &str, api: &Api) -> Result<(), StartError> {
    let target = target(api)?;
    let form =
        |pairs: &[(&str, &str)]| url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    let query = form(&[("PhoneNumber", number), ("PageSize", "1000")]);
    let listed = ask(&target, Method::Get, &format!("/IncomingPhoneNumbers.json?{query}"), String::new()).await?;
    let known = listed["incoming_phone_numbers"].as_array().into_iter().flatten();
    let known = known.into_iter().find(|entry| entry["phone_number"] == *number);
    let path = match known.and_then(|entry| entry["sid"].as_str()) {
        Some(sid) => format!("/IncomingPhoneNumbers/{sid}.json"),
        None => "/IncomingPhoneNumbers.json".to_string(),
    };
    let body = form(&[("PhoneNumber", number), ("VoiceUrl", url)]);
    let done = ask(&target, Method::Post, &path, body).await?;
    println!("{number} → {url} ({})", done["sid"].as_str().unwrap_or("?"));
    Ok(())
}

fn target(api: &Api) -> Result<Target, StartError> {
    if let (Some(base), Some(account), Some(token)) = (&api.api, &api.account, &api.token) {
        return Ok(Target { api: base.clone(), account: account.clone(), token: token.clone() });
    }
    let file = dev::state_dir().join("dev.json");
    let read = std::fs::read_to_string(&file).ok().and_then(|text| serde_json::from_str::<Value>(&text).ok());
    let state = read.ok_or_else(|| StartError {
        exit: 2,
        text: "no API is known: give --api, --account and --token, or start `tipring dev`".into(),
    })?;
    let word = |key: &str| state[key].as_str().unwrap_or_default().to_string();
    let pick = |given: &Option<String>, key: &str| given.clone().unwrap_or_else(|| word(key));
    Ok(Target { api: pick(&api.api, "api"), account: pick(&api.account, "account"), token: pick(&api.token, "token") })
}

async fn ask(target: &Target, method: Method, path: &str, body: String) -> Result<Value, StartError> {
    let failed = |text: String| StartError { exit: 1, text };
    let base = target.api.trim_end_matches('/');
    let text = format!("{base}/2010-04-01/Accounts/{}{path}", target.account);
    let mut url = url::Url::parse(&text).map_err(|error| failed(format!("{text}: {error}")))?;
    let known = url.set_username(&target.account).and_then(|()| url.set_password(Some(&target.token)));
    known.map_err(|()| failed(format!("{text}: not the address of an API")))?;
    let client = Client::new(tipring_egress::Config::default()).map_err(|fault| failed(fault.to_string()))?;
    let headers = match method {
        Method::Post => vec![("Content-Type".to_string(), "application/x-www-form-urlencoded".to_string())],
        _ => Vec::new(),
    };
    let limits = Limits { max_body: 4 * 1024 * 1024, ..Limits::default() };
    let request = Request { method, url, headers, body: body.into(), limits };
    let response = client.send(request).await.map_err(|fault| failed(fault.to_string()))?;
    let status = response.status;
    let octets = response.bytes().await.map_err(|fault| failed(fault.to_string()))?;
    let value: Value = serde_json::from_slice(&octets).unwrap_or_default();
    if !(200..300).contains(&status) {
        let why = value["message"].as_str().unwrap_or("no reason given");
        return Err(failed(format!("the API answered {status}: {why}")));
    }
    Ok(value)
}
