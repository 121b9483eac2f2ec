//! A venue that rotates refresh tokens as Saxo does, and a machine to keep them on.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex};

use exuvia_engine::tokens::{
    Event, Holder, Keeper, Lease, Pair, Paths, Ports, RefreshError, Refresher, Renewal, Secret, Settings, Status,
    read_lease, read_status,
};
use exuvia_model::{SECOND, Time};
use exuvia_ports::{Create, Files as _, SimClock, SimFiles, SimRandom};

pub const START: i64 = 1_790_000_000;
pub const LIFE: i64 = 1_200;
pub const PATH: &str = "/run/saxo.json";

/// What becomes of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    Answer,
    NotSent,
    /// Lost on the way there.
    LostRequest,
    /// Lost on the way back: the token is spent.
    LostAnswer,
    Server,
    ServerAfter,
    Limited(Option<i64>),
    Denied,
    Nonsense,
}

/// The server's side: `r0`, `r1`, … each good once.
#[derive(Debug, Default)]
pub struct Venue {
    pub current: u64,
    pub revoked: bool,
    pub turns: VecDeque<Turn>,
    /// Refresh tokens as they arrived.
    pub arrived: Vec<u64>,
    /// The newest token whose answer was handed out.
    pub handed_out: u64,
    /// A token that came again though its successor had been handed out.
    pub spent_again: u64,
    /// How often it was asked, whatever became of it.
    pub asked: u64,
    pub life: Option<i64>,
}

impl Venue {
    fn take(&mut self, number: u64) -> Result<Renewal, RefreshError> {
        self.arrived.push(number);
        if number < self.handed_out {
            self.spent_again += 1;
        }
        if self.revoked || number != self.current {
            return Err(RefreshError::Refused { words: "invalid_grant".to_owned() });
        }
        self.current += 1;
        let life = self.life.unwrap_or(LIFE);
        let json = format!(
            r#"{{"access_token":"secret-a{0}","refresh_token":"secret-r{0}","token_type":"Bearer","expires_in":{life},"refresh_token_expires_in":{1}}}"#,
            self.current,
            2 * life
        );
        Ok(Renewal::from_json(json.as_bytes()).unwrap())
    }

    fn ask(&mut self, number: u64) -> Result<Renewal, RefreshError> {
        self.asked += 1;
        let reason = || "simulated".to_owned();
        match self.turns.pop_front().unwrap_or(Turn::Answer) {
            Turn::Answer => {
                let renewal = self.take(number)?;
                self.handed_out = self.current;
                Ok(renewal)
            }
            Turn::NotSent => Err(RefreshError::NotSent { reason: reason() }),
            Turn::LostRequest => Err(RefreshError::NotAnswered { reason: reason() }),
            Turn::LostAnswer => {
                let _ = self.take(number);
                Err(RefreshError::NotAnswered { reason: reason() })
            }
            Turn::Server => Err(RefreshError::Server { status: 503 }),
            Turn::ServerAfter => {
                let _ = self.take(number);
                Err(RefreshError::Server { status: 500 })
            }
            Turn::Limited(retry_after) => Err(RefreshError::Limited { retry_after }),
            Turn::Denied => Err(RefreshError::Denied { status: 401, words: "invalid_client".to_owned() }),
            Turn::Nonsense => {
                let _ = self.take(number);
                Err(RefreshError::Nonsense { status: 200, why: "there is no access_token".to_owned() })
            }
        }
    }
}

/// What is called while the venue is asked: another program at work.
pub type Meanwhile = Option<Box<dyn FnOnce() + Send>>;

#[derive(Clone)]
pub struct Way {
    pub venue: Arc<Mutex<Venue>>,
    pub meanwhile: Arc<Mutex<Meanwhile>>,
}

impl std::fmt::Debug for Way {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Way")
    }
}

impl Refresher for Way {
    fn refresh(&mut self, pair: &Pair) -> Result<Renewal, RefreshError> {
        let number = number(pair);
        let answer = self.venue.lock().unwrap().ask(number);
        let meanwhile = self.meanwhile.lock().unwrap().take();
        if let Some(meanwhile) = meanwhile {
            meanwhile();
        }
        answer
    }
}

/// 3 of `secret-r3`.
pub fn number(pair: &Pair) -> u64 {
    pair.refresh.as_ref().unwrap().expose().strip_prefix("secret-r").unwrap().parse().unwrap()
}

#[derive(Debug)]
pub struct World {
    pub files: SimFiles,
    pub clock: Arc<SimClock>,
    pub random: Arc<SimRandom>,
    pub way: Way,
}

impl World {
    /// A machine with the pair of a login, `secret-r0`.
    pub fn new(seed: u64) -> Self {
        let way = Way { venue: Arc::new(Mutex::new(Venue::default())), meanwhile: Arc::new(Mutex::new(None)) };
        let clock = Arc::new(SimClock::new(Time(START * SECOND)));
        let world = Self { files: SimFiles::new(), clock, random: Arc::new(SimRandom::seeded(seed)), way };
        world.files.create_dir_all(Path::new("/run")).unwrap();
        world.files.sync_dir(Path::new("/")).unwrap();
        world.put(&login(0, START + LIFE), true);
        world
    }

    /// Writes the token file as a program does that knows no lease.
    pub fn put(&self, text: &str, private: bool) {
        put(&self.files, Path::new(PATH), text, private);
    }

    pub fn paths(&self) -> Paths {
        Paths::canonical(Path::new(PATH))
    }

    pub fn keeper(&self, name: &str, host: &str) -> Keeper {
        self.keeper_with(name, host, Settings::default())
    }

    pub fn keeper_with(&self, name: &str, host: &str, settings: Settings) -> Keeper {
        self.keeper_by(name, host, settings, Box::new(self.way.clone()))
    }

    pub fn keeper_by(&self, name: &str, host: &str, settings: Settings, way: Box<dyn Refresher>) -> Keeper {
        let holder = Holder { name: name.to_owned(), host: host.to_owned(), pid: 7 };
        Keeper::new(self.ports(), self.paths(), holder, settings, way).unwrap()
    }

    pub fn ports(&self) -> Ports {
        Ports { files: Arc::new(self.files.clone()), clock: self.clock.clone(), random: self.random.clone() }
    }

    pub fn venue(&self) -> std::sync::MutexGuard<'_, Venue> {
        self.way.venue.lock().unwrap()
    }

    pub fn turns(&self, turns: impl IntoIterator<Item = Turn>) {
        self.venue().turns.extend(turns);
    }

    pub fn meanwhile(&self, work: impl FnOnce() + Send + 'static) {
        *self.way.meanwhile.lock().unwrap() = Some(Box::new(work));
    }

    pub fn pair(&self) -> Pair {
        Pair::from_json(&self.files.read(Path::new(PATH)).unwrap(), Path::new(PATH)).unwrap()
    }

    pub fn lease(&self) -> Lease {
        read_lease(&self.files, &self.paths()).unwrap().unwrap()
    }

    pub fn status(&self) -> Status {
        read_status(&self.files, &self.paths()).unwrap().unwrap()
    }

    pub fn pass(&self, seconds: i64) {
        self.clock.advance(seconds * SECOND);
    }

    /// Lets `seconds` pass in the keeper's own steps; the codes of what it told.
    pub fn run(&self, keeper: &mut Keeper, seconds: i64) -> Vec<&'static str> {
        codes(&self.run_events(keeper, seconds))
    }

    pub fn run_events(&self, keeper: &mut Keeper, seconds: i64) -> Vec<Event> {
        use exuvia_ports::Clock as _;
        let end = self.clock.monotonic() + seconds * SECOND;
        let mut events = Vec::new();
        loop {
            let tick = keeper.tick();
            events.extend(tick.events);
            let Some(wait) = tick.wait else { return events };
            // As a caller sleeps: never less than a thousandth of a second.
            let wait = wait.max(SECOND / 1_000);
            if self.clock.monotonic() + wait >= end {
                self.clock.advance(end - self.clock.monotonic());
                return events;
            }
            self.clock.advance(wait);
        }
    }
}

pub fn put(files: &SimFiles, path: &Path, text: &str, private: bool) {
    let _ = files.remove(path);
    let mut writer = files.create(path, Create { exclusive: true, private }).unwrap();
    writer.write(text.as_bytes()).unwrap();
    writer.sync().unwrap();
    files.sync_dir(path.parent().unwrap()).unwrap();
}

pub fn login(number: u64, expires: i64) -> String {
    format!(
        r#"{{"access_token":"secret-a{number}","refresh_token":"secret-r{number}","expires_in":{LIFE},"expires_at":{expires},"user":"ann"}}"#
    )
}

pub fn codes(events: &[Event]) -> Vec<&'static str> {
    events.iter().map(|event| event.code).collect()
}

pub fn access(pair: &Pair) -> &str {
    Secret::expose(&pair.access)
}
