//! The same stories on PostgreSQL.

use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::AssertSqlSafe;
use tipring_store::{Config, Store};

use crate::support::*;

/// Opens stores on fresh databases of a server, or says loudly that there is none.
struct Server {
    url: String,
    dir: Dir,
}

impl Server {
    fn find() -> Option<Server> {
        match std::env::var("TIPRING_TEST_POSTGRES") {
            Ok(url) => Some(Server { url, dir: Dir::new() }),
            Err(_) => {
                assert!(
                    !std::env::var("TIPRING_REQUIRE").is_ok_and(|list| list.split(',').any(|part| part == "postgres")),
                    "TIPRING_REQUIRE names postgres, but TIPRING_TEST_POSTGRES names no server"
                );
                eprintln!(
                    "SKIP: PostgreSQL is not tested: set TIPRING_TEST_POSTGRES=postgres://user@host:port/database"
                );
                None
            }
        }
    }

    async fn fresh(&self) -> Config {
        sqlx::any::install_default_drivers();
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("tipring_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let pool = sqlx::AnyPool::connect(&self.url).await.unwrap();
        sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&pool).await.unwrap();
        pool.close().await;
        let base = self.url.rsplit_once('/').unwrap().0;
        Config { url: Some(format!("{base}/{name}")), ..config(&self.dir.0.join(&name)) }
    }
}

#[tokio::test]
async fn the_same_on_postgres() {
    let Some(server) = Server::find() else {
        return;
    };
    let store = async || Store::open(server.fresh().await).await.unwrap();
    crate::writes::every_record_reads_back(&store().await).await;
    crate::writes::writes_are_grouped_and_keep_their_order(&store().await).await;
    crate::writes::a_refused_write_fails_alone(&store().await).await;
    crate::lists::c34_pages_add_up_while_calls_arrive(&store().await).await;
    crate::lists::c34_filters_give_exact_sets(&store().await).await;
    crate::lists::other_lists(&store().await).await;
    crate::resources::every_resource_reads_back(&store().await).await;
    crate::resources::who_came_first_is_first_in_the_queue(&store().await).await;
    crate::resources::c18_usage_adds_up(&store().await).await;
    let first = server.fresh().await;
    let second = Config { box_name: "box-b".into(), data_dir: server.dir.0.join("second"), ..first.clone() };
    let (a, b) = tokio::join!(Store::open(first), Store::open(second));
    crate::crash::another_boxs_calls_are_closed_once_it_is_dead(&a.unwrap(), &b.unwrap()).await;
    let third = server.fresh().await;
    let fourth = Config { box_name: "box-b".into(), data_dir: server.dir.0.join("fourth"), ..third.clone() };
    let (a, b) = (Store::open(third).await.unwrap(), Store::open(fourth).await.unwrap());
    crate::sharing::c22_recordings_are_brought_once_and_cleared_away_everywhere(&a, &b).await;
    let again = server.fresh().await;
    let reopen = async || Store::open(again.clone()).await.unwrap();
    crate::crash::c28_outgoing_calls_cut_by_a_crash_fail_exactly_once(reopen).await;
}

#[tokio::test]
async fn a_nul_in_a_callers_name_is_no_reason_to_lose_the_call() {
    let Some(server) = Server::find() else {
        return;
    };
    let store = Store::open(server.fresh().await).await.unwrap();
    let mut odd = call(1, tipring_resources::CallStatus::Completed);
    odd.caller_name = Some("A\0B".into());
    store.put(put_of(odd.clone())).await.unwrap();
    let found = store.call(me(), odd.sid).await.unwrap().unwrap();
    assert_eq!(found.caller_name.as_deref(), Some("A\u{fffd}B"));
}
