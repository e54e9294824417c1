//! GetRecords at a fixed rate: the stream is filled and cut into pages first, each with its own iterator; every request
//! reads a page drawn at random, and its answer must hold exactly the records that were put there, in order.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

use super::checking::{Came, came, page};
use super::pacing::{Answered, Caller};
use super::{PATIENCE, PUT_RECORDS_MAX, REQUEST_BYTES_MAX, STREAM, Subject, Workload};
use crate::auditor::{Acked, Findings};
use crate::payload::Payloads;
use crate::wire::Connection;
use crate::wire::request::Request;
use crate::workload::{RunError, create_stream, good, oldest_iterator, put_answer};

/// Pages put per shard. Keys spread evenly but not exactly, so a shard holds a few more or less.
const PAGES_PER_SHARD: u64 = 20;

/// The run as a whole.
#[derive(Debug)]
pub struct Gets {
    /// What was wrong while the stream was filled and cut.
    findings: Findings,
}

#[derive(Debug)]
struct Shared {
    payloads: Payloads,
    pages: Vec<Page>,
}

/// A run of records with the request that reads it.
#[derive(Debug)]
struct Page {
    request: Request,
    records: Vec<Acked>,
}

/// One connection.
#[derive(Debug)]
pub struct GetCaller {
    shared: Arc<Shared>,
    connection: Connection,
    random: Xoshiro256PlusPlus,
    /// Index of the page that is read next.
    page: usize,
    findings: Findings,
}

impl Subject for Gets {
    const OPERATION: &'static str = "GetRecords";
    const RECORDS_PER_REQUEST_MAX: u64 = 10_000;
    const STORES: bool = false;
    type Caller = GetCaller;

    async fn open(address: SocketAddr, workload: Workload) -> Result<(Self, Vec<Self::Caller>), RunError> {
        create_stream(address, STREAM, workload.shards).await?;
        let payloads = Payloads::new(workload.seed, workload.record_bytes);
        let mut findings = Findings::default();
        let mut connection = Connection::open(address, PATIENCE).await?;
        let shards = fill(&mut connection, &workload, &payloads, &mut findings).await?;
        let mut pages = Vec::new();
        for (shard, records) in (0u32..).zip(&shards) {
            pages.extend(cut(&mut connection, &workload, &payloads, shard, records, &mut findings).await?);
        }
        if pages.is_empty() {
            return Err(RunError(format!("no shard holds a whole page:\n{findings}")));
        }
        let shared = Arc::new(Shared { payloads, pages });
        let mut callers = Vec::new();
        for number in 0..u64::from(workload.connections) {
            callers.push(GetCaller {
                shared: Arc::clone(&shared),
                connection: Connection::open(address, PATIENCE).await?,
                random: Xoshiro256PlusPlus::seed_from_u64(workload.seed ^ number),
                page: 0,
                findings: Findings::default(),
            });
        }
        Ok((Self { findings }, callers))
    }

    async fn audit(mut self, callers: Vec<Self::Caller>) -> Result<Findings, RunError> {
        for caller in callers {
            self.findings.merge(&caller.findings);
        }
        Ok(self.findings)
    }
}

/// Puts the records and returns what was acknowledged, by shard, in sequence order.
async fn fill(
    connection: &mut Connection,
    workload: &Workload,
    payloads: &Payloads,
    findings: &mut Findings,
) -> Result<Vec<Vec<Acked>>, RunError> {
    let records = workload.records_per_request * PAGES_PER_SHARD * u64::from(workload.shards);
    let batch = PUT_RECORDS_MAX.min(REQUEST_BYTES_MAX / workload.stored_record_bytes()).max(1);
    let mut acked = Vec::new();
    let mut request = Request::default();
    let mut first = 0;
    while first < records {
        let count = batch.min(records - first);
        request.put_records(STREAM, payloads, 0, first, count);
        put_answer(&good(connection, &request).await?, 0, first, count, &mut acked, findings);
        first += count;
    }
    let mut shards: Vec<Vec<Acked>> = (0..workload.shards).map(|_| Vec::new()).collect();
    for entry in acked {
        let list = shards.get_mut(entry.shard as usize);
        list.ok_or_else(|| RunError(format!("{} was acknowledged on shard {}", entry.id, entry.shard)))?
            .push(entry);
    }
    for list in &mut shards {
        list.sort_unstable_by_key(|entry| entry.sequence);
    }
    Ok(shards)
}

/// Reads one shard's whole pages once, checks them, and keeps the iterator of each. Iterators may be used again and
/// again for 300 s (reference 5.5), which is longer than a run.
async fn cut(
    connection: &mut Connection,
    workload: &Workload,
    payloads: &Payloads,
    shard: u32,
    records: &[Acked],
    findings: &mut Findings,
) -> Result<Vec<Page>, RunError> {
    let limit = workload.records_per_request;
    let page_records = usize::try_from(limit).map_err(|error| RunError(error.to_string()))?;
    let mut iterator = oldest_iterator(connection, STREAM, shard).await?;
    let mut pages = Vec::new();
    for records in records.chunks_exact(page_records.max(1)) {
        let mut request = Request::default();
        request.build("GetRecords", |out| {
            out.extend_from_slice(b"{\"ShardIterator\":\"");
            out.extend_from_slice(&iterator);
            out.extend_from_slice(format!("\",\"Limit\":{limit}}}").as_bytes());
        });
        let body = good(connection, &request).await?;
        let next = page(&body, records, payloads, findings);
        pages.push(Page { request, records: records.to_vec() });
        match next {
            Some(next) => iterator = next,
            None => break,
        }
    }
    Ok(pages)
}

impl Caller for GetCaller {
    fn prepare(&mut self) {
        let pages = u64::try_from(self.shared.pages.len()).unwrap_or(u64::MAX).max(1);
        self.page = usize::try_from(self.random.next_u64() % pages).unwrap_or(0);
    }

    async fn call(&mut self) -> Answered {
        let Shared { payloads, pages } = &*self.shared;
        let Some(Page { request, records }) = pages.get(self.page) else {
            return Answered { at: Instant::now(), goes_on: false };
        };
        let number = self.page;
        let answer = self.connection.call(request.bytes()).await;
        let at = Instant::now();
        let goes_on = match came(answer, &mut self.findings, || format!("GetRecords of page {number}")) {
            Came::Body(body) => {
                page(body, records, payloads, &mut self.findings);
                true
            }
            Came::Refusal => true,
            Came::Nothing => false,
        };
        Answered { at, goes_on }
    }
}
