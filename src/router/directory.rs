//! Accounts and numbers as the router knows them. A call keeps what it found when it came in.

use std::collections::BTreeMap;
use std::sync::Arc;

use tipring_resources::{Account, CallerId, Number, Sid};

use crate::effects::DirectoryChange;

#[derive(Default)]
pub(crate) struct Directory {
    accounts: BTreeMap<Sid, Account>,
    numbers: BTreeMap<Sid, Arc<Number>>,
    by_phone: BTreeMap<String, Sid>,
    caller_ids: BTreeMap<Sid, CallerId>,
}

impl Directory {
    pub(crate) fn change(&mut self, change: DirectoryChange) {
        match change {
            DirectoryChange::Account(account) => drop(self.accounts.insert(account.sid, account)),
            DirectoryChange::Number(number) => {
                self.forget(number.sid);
                self.by_phone.insert(number.phone_number.clone(), number.sid);
                self.numbers.insert(number.sid, Arc::new(number));
            }
            DirectoryChange::NumberGone(sid) => self.forget(sid),
            // Queues are not kept here.
            DirectoryChange::Queue(_) => {}
            DirectoryChange::CallerId(caller_id) => {
                // An account has a number once.
                let (account, phone) = (caller_id.account, caller_id.phone_number.clone());
                self.caller_ids.retain(|_, known| known.account != account || known.phone_number != phone);
                self.caller_ids.insert(caller_id.sid, caller_id);
            }
            DirectoryChange::CallerIdGone(sid) => drop(self.caller_ids.remove(&sid)),
        }
    }

    fn forget(&mut self, sid: Sid) {
        if let Some(old) = self.numbers.remove(&sid)
            && self.by_phone.get(&old.phone_number) == Some(&sid)
        {
            self.by_phone.remove(&old.phone_number);
        }
    }

    /// The number that is called by one of these names, the first first.
    pub(crate) fn find(&self, names: &[&str]) -> Option<Arc<Number>> {
        let mut wanted = names.iter().filter(|name| !name.is_empty());
        wanted.find_map(|name| self.numbers.get(self.by_phone.get(*name)?).cloned())
    }

    pub(crate) fn account(&self, sid: Sid) -> Option<&Account> {
        self.accounts.get(&sid)
    }

    /// The numbers of an account.
    pub(crate) fn numbers_of(&self, account: Sid) -> impl Iterator<Item = &Number> {
        self.numbers.values().map(Arc::as_ref).filter(move |number| number.account == account)
    }

    /// The numbers that an account may show beside its own.
    pub(crate) fn caller_ids_of(&self, account: Sid) -> impl Iterator<Item = &CallerId> {
        self.caller_ids.values().filter(move |caller_id| caller_id.account == account)
    }

    /// The account with the lowest SID, of those that no other has made.
    pub(crate) fn first_account(&self) -> Option<Sid> {
        self.accounts.values().find(|account| account.parent.is_none()).map(|account| account.sid)
    }
}
