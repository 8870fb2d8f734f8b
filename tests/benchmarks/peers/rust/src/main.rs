//! Stalwart's mail-auth as a peer of the benchmarks: see python.py for the lines that are read and written.
//! Argument: the folder of the corpus.

use mail_auth::common::parse::TxtRecordParser;
use mail_auth::common::verify::DomainKey;
use mail_auth::dmarc::{Dmarc, verify::DmarcParameters};
use mail_auth::hickory_resolver::config::{ResolverConfig, ResolverOpts};
use mail_auth::hickory_resolver::proto::op::ResponseCode;
use mail_auth::spf::{Spf, verify::SpfParameters};
use mail_auth::{
    AuthenticatedMessage, AuthenticationResults, DkimResult, DmarcResult, DnsError, Error, MessageAuthenticator,
    Parameters, ResolverCache, SpfResult, Txt,
};
use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::io::{BufRead, Write};
use std::net::IpAddr;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

const AUTHSERV_ID: &str = "mx.example.org";

/// The TXT records of the corpus, as the cache that mail-auth asks first.
struct Texts {
    records: HashMap<Box<str>, (Vec<u8>, Txt)>,
    /// Parse a record each time that it is asked for, as if it were new.
    anew: bool,
}

fn parsed(name: &str, record: &[u8]) -> Txt {
    if name.contains("._domainkey.") {
        DomainKey::parse(record).into()
    } else if name.starts_with("_dmarc.") {
        Dmarc::parse(record).into()
    } else {
        Spf::parse(record).into()
    }
}

impl Texts {
    fn load(folder: &str) -> Texts {
        let data = std::fs::read(format!("{folder}/zone.json")).expect("zone.json");
        let zone: serde_json::Value = serde_json::from_slice(&data).expect("JSON");
        let mut records = HashMap::new();
        for (name, types) in zone.as_object().expect("an object") {
            if let Some(text) = types["TXT"][0].as_str() {
                let known = (text.as_bytes().to_vec(), parsed(name, text.as_bytes()));
                records.insert(format!("{name}.").into_boxed_str(), known);
            }
        }
        Texts { records, anew: false }
    }
}

impl ResolverCache<Box<str>, Txt> for Texts {
    fn get<Q>(&self, name: &Q) -> Option<Txt>
    where
        Box<str>: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        Some(match self.records.get_key_value(name) {
            Some((name, (record, _))) if self.anew => parsed(name, record),
            Some((_, (_, known))) => known.clone(),
            None => Txt::Error(Error::Dns(DnsError::RecordNotFound(ResponseCode::NXDomain))),
        })
    }

    fn remove<Q>(&self, _: &Q) -> Option<Txt>
    where
        Box<str>: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        None
    }

    fn insert(&self, _: Box<str>, _: Txt, _: Instant) {}
}

/// A message and its connection.
struct Mail {
    raw: Vec<u8>,
    ip: IpAddr,
    helo: String,
    mail_from: String,
}

impl Mail {
    fn read(path: &str, ip: &str, helo: &str, mail_from: &str) -> Result<Mail, String> {
        Ok(Mail {
            raw: std::fs::read(path).map_err(|error| format!("{path}: {error}"))?,
            ip: ip.parse().map_err(|_| format!("{ip}: not an address"))?,
            helo: helo.into(),
            mail_from: mail_from.into(),
        })
    }
}

/// The messages of a case: one, or those that a mix lists.
fn mails(case: &str) -> Result<Vec<Mail>, String> {
    if !case.ends_with(".tsv") {
        return Ok(vec![Mail::read(case, "192.0.2.10", "out.example.com", "bounce@mail.example.com")?]);
    }
    let list = std::fs::read_to_string(case).map_err(|error| format!("{case}: {error}"))?;
    list.lines()
        .map(|line| {
            let fields: Vec<&str> = line.split('\t').collect();
            Mail::read(fields[0], fields[1], fields[2], fields[3])
        })
        .collect()
}

/// Run a future that never waits: every answer is in memory.
fn now<T>(future: impl Future<Output = T>) -> Result<T, String> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(found) => Ok(found),
        Poll::Pending => Err("it asks the network".into()),
    }
}

fn dkim_only(with: &MessageAuthenticator, texts: &Texts, mail: &Mail) -> Result<bool, String> {
    let message = AuthenticatedMessage::parse(&mail.raw).ok_or("not parsed")?;
    let found = now(with.verify_dkim(Parameters::new(&message).with_txt_cache(texts)))?;
    Ok(!found.is_empty() && found.iter().all(|each| *each.result() == DkimResult::Pass))
}

fn arc_only(with: &MessageAuthenticator, texts: &Texts, mail: &Mail) -> Result<bool, String> {
    let message = AuthenticatedMessage::parse(&mail.raw).ok_or("not parsed")?;
    let found = now(with.verify_arc(Parameters::new(&message).with_txt_cache(texts)))?;
    Ok(*found.result() == DkimResult::Pass)
}

fn all(with: &MessageAuthenticator, texts: &Texts, mail: &Mail) -> Result<bool, String> {
    let message = AuthenticatedMessage::parse(&mail.raw).ok_or("not parsed")?;
    let sender = SpfParameters::verify_mail_from(mail.ip, &mail.helo, AUTHSERV_ID, &mail.mail_from);
    let spf = now(with.verify_spf(Parameters::new(sender).with_txt_cache(texts)))?;
    let dkim = now(with.verify_dkim(Parameters::new(&message).with_txt_cache(texts)))?;
    let arc = now(with.verify_arc(Parameters::new(&message).with_txt_cache(texts)))?;
    let domain = mail.mail_from.rsplit('@').next().unwrap_or_default();
    let about = DmarcParameters::new(&message, &dkim, domain, &spf);
    let dmarc = now(with.verify_dmarc(Parameters::new(about).with_txt_cache(texts)))?;
    let from = message.from();
    let field = AuthenticationResults::new(AUTHSERV_ID)
        .with_dkim_results(&dkim, from)
        .with_spf_mailfrom_result(&spf, mail.ip, &mail.mail_from, &mail.helo)
        .with_arc_result(&arc, mail.ip)
        .with_dmarc_result(&dmarc)
        .to_string();
    Ok(!field.is_empty()
        && spf.result() == SpfResult::Pass
        && !dkim.is_empty()
        && dkim.iter().all(|each| *each.result() == DkimResult::Pass)
        && matches!(arc.result(), DkimResult::Pass | DkimResult::None)
        && *dmarc.dkim_result() == DmarcResult::Pass
        && *dmarc.spf_result() == DmarcResult::Pass)
}

type Job = fn(&MessageAuthenticator, &Texts, &Mail) -> Result<bool, String>;

fn run(job: Job, with: &MessageAuthenticator, texts: &Texts, mails: &[Mail], repeats: u32) -> Result<bool, String> {
    let mut passed = true;
    for _ in 0..repeats {
        for mail in mails {
            passed &= job(with, texts, mail)?;
        }
    }
    Ok(passed)
}

/// The version of mail-auth in our lock file.
fn version() -> &'static str {
    let lock = include_str!("../Cargo.lock");
    let after = lock.split("name = \"mail-auth\"\nversion = \"").nth(1).unwrap_or_default();
    after.split('"').next().unwrap_or_default()
}

fn main() {
    let folder = std::env::args().nth(1).expect("the folder of the corpus");
    let mut texts = Texts::load(&folder);
    let with = MessageAuthenticator::new(ResolverConfig::default(), ResolverOpts::default()).expect("a resolver");
    let mut kept: (String, Vec<Mail>) = Default::default();
    println!("ready\t{}\tmix\tmix-dkim\tall\tdkim\tarc", version());
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("a line");
        let fields: Vec<&str> = line.split('\t').collect();
        let job: Job = match fields[0] {
            "mix" | "all" => all,
            "arc" => arc_only,
            _ => dkim_only,
        };
        if kept.0 != fields[1] {
            match mails(fields[1]) {
                Ok(found) => kept = (fields[1].into(), found),
                Err(error) => {
                    println!("error\t{error}");
                    continue;
                }
            }
        }
        texts.anew = fields[1].ends_with("-new.tsv");
        let start = Instant::now();
        let found = run(job, &with, &texts, &kept.1, fields[2].parse().unwrap_or(1));
        let seconds = start.elapsed().as_secs_f64();
        match found {
            Ok(passed) => println!("{seconds:.9}\t{}", if passed { "pass" } else { "fail" }),
            Err(error) => println!("error\t{error}"),
        }
        std::io::stdout().flush().expect("standard output");
    }
}
