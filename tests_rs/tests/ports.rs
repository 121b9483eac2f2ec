//! The simulated and taped ports keep their promises, and the live files behave like the simulated ones.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods)]

use std::path::{Path, PathBuf};

use exuvia_model::Time;
use exuvia_net::{SystemEnvironment, SystemFiles};
use exuvia_ports::{
    Clock, Create, Environment, Files, FilesError, Frame, Http, HttpError, Request, Response, SimClock, SimFault,
    SimFiles, SimHttp, SimRandom, SimWebSocket, Survives, TapedClock, TapedHttp, TapedWebSockets, WebSocket,
    WebSockets,
};
use exuvia_ports::{Random, WebSocketError};

fn put(files: &dyn Files, path: &Path, bytes: &[u8]) -> Result<(), FilesError> {
    let mut writer = files.create(path, Create::default())?;
    writer.write(bytes)
}

fn put_durably(files: &dyn Files, path: &Path, bytes: &[u8]) {
    let mut writer = files.create(path, Create::default()).unwrap();
    writer.write(bytes).unwrap();
    writer.sync().unwrap();
    files.sync_dir(path.parent().unwrap()).unwrap();
}

#[test]
fn a_simulated_clock_moves_only_when_told_and_never_back() {
    let clock = SimClock::new(Time(100));
    assert_eq!((clock.utc(), clock.monotonic()), (clock.utc(), 0));
    clock.advance_to(Time(50));
    clock.advance(-5);
    assert_eq!((clock.utc(), clock.monotonic()), (Time(100), 0));
    clock.advance_to(Time(160));
    assert_eq!((clock.utc(), clock.monotonic()), (Time(160), 60));
    clock.set_utc(Time(10));
    assert_eq!((clock.utc(), clock.monotonic()), (Time(10), 60));
}

#[test]
fn a_taped_clock_answers_in_order_and_counts_what_it_was_asked_too_often() {
    assert!(TapedClock::new([]).is_none());
    let clock = TapedClock::new([Time(5), Time(9)]).unwrap();
    assert_eq!([clock.utc(), clock.utc()], [Time(5), Time(9)]);
    assert_eq!((clock.overrun(), clock.monotonic()), (0, 4));
    assert_eq!((clock.utc(), clock.overrun()), (Time(9), 1));
}

#[test]
fn a_seed_decides_every_byte() {
    let draw = |seed| {
        let mut bytes = [0; 21];
        SimRandom::seeded(seed).fill(&mut bytes);
        bytes
    };
    assert_eq!(draw(1), draw(1));
    assert_ne!(draw(1), draw(2));
}

#[test]
fn the_live_environment_reads_what_the_process_has() {
    assert!(SystemEnvironment.variable("PATH").is_some());
    assert_eq!(SystemEnvironment.variable("EXUVIA_NO_SUCH_VARIABLE"), None);
}

/// The same script on both file systems: what one refuses, the other refuses with the same kind of error.
fn behaves_like_a_file_system(files: &dyn Files, root: &Path) {
    let (deep, a, b) = (root.join("x/y"), root.join("x/y/a"), root.join("x/y/b"));
    assert!(files.read(&a).unwrap_err().is_not_found());
    assert!(put(files, &a, b"1").unwrap_err().is_not_found());
    files.create_dir_all(&deep).unwrap();
    files.create_dir_all(&deep).unwrap();
    put_durably(files, &a, b"one");
    assert!(matches!(files.create(&a, Create::default().exclusive()), Err(FilesError::Exists { .. })));
    let mut journal = files.append(&a).unwrap();
    journal.write(b", two").unwrap();
    journal.sync().unwrap();
    assert_eq!(files.read(&a).unwrap(), b"one, two");
    put(files, &b, b"old").unwrap();
    assert_eq!(files.list(&deep).unwrap(), [a.clone(), b.clone()]);
    files.rename(&a, &b).unwrap();
    assert_eq!(files.read(&b).unwrap(), b"one, two");
    assert!(!files.exists(&a) && files.exists(&b) && files.is_dir(&deep) && !files.is_dir(&b));
    put(files, &b, b"").unwrap();
    assert_eq!(files.read(&b).unwrap(), b"");
    files.remove(&b).unwrap();
    assert!(files.remove(&b).unwrap_err().is_not_found());
    assert!(files.rename(&a, &b).unwrap_err().is_not_found());
    assert_eq!(files.list(&deep).unwrap(), Vec::<PathBuf>::new());
    assert!(files.list(&root.join("nowhere")).unwrap_err().is_not_found());
    assert!(files.sync_dir(&root.join("nowhere")).unwrap_err().is_not_found());
    assert!(files.read(&deep).is_err());
    folders_and_files_are_not_mistaken(files, root);
}

fn folders_and_files_are_not_mistaken(files: &dyn Files, root: &Path) {
    let (folder, file) = (root.join("folder"), root.join("file"));
    files.create_dir_all(&folder).unwrap();
    let mut journal = files.append(&file).unwrap();
    journal.write(b"a journal is made when it is first written").unwrap();
    let other = |result: Result<(), FilesError>| match result {
        Err(FilesError::Other { path, .. }) => assert!(path.starts_with(root)),
        other => panic!("{other:?}"),
    };
    other(files.append(&folder).map(drop));
    other(files.create(&folder, Create::default()).map(drop));
    assert!(matches!(files.create(&folder, Create::default().exclusive()), Err(FilesError::Exists { .. })));
    other(files.rename(&file, &folder));
    other(files.rename(&file, &file.join("below")));
    other(files.list(&file).map(drop));
    other(put(files, &file.join("below"), b""));
    other(files.create_dir_all(&file.join("below")));
    assert!(matches!(files.create_dir_all(&file), Err(FilesError::Exists { .. })));
    assert_eq!(files.read(&file).unwrap(), b"a journal is made when it is first written");
    assert!(files.is_dir(&folder) && files.list(&folder).unwrap().is_empty());
}

#[test]
fn folders_take_no_space_of_a_bounded_disk() {
    let files = SimFiles::new();
    files.set_capacity(Some(4));
    files.create_dir_all(Path::new("/2026/02")).unwrap();
    put(&files, Path::new("/2026/02/a"), b"1234").unwrap();
    assert!(matches!(put(&files, Path::new("/2026/b"), b"5"), Err(FilesError::Full { .. })));
}

#[test]
fn live_and_simulated_files_behave_alike() {
    behaves_like_a_file_system(&SimFiles::new(), Path::new("/"));
    let folder = Scratch::new("alike");
    behaves_like_a_file_system(&SystemFiles, &folder.0);
}

#[cfg(unix)]
#[test]
fn a_private_file_is_never_readable_by_others() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Scratch::new("private");
    let path = folder.0.join("token");
    let mode = || std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
    put(&SystemFiles, &path, b"old and open").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    drop(SystemFiles.create(&path, Create::default().private()).unwrap());
    assert_eq!(mode(), 0o600);
    std::fs::remove_file(&path).unwrap();
    drop(SystemFiles.create(&path, Create::default().exclusive().private()).unwrap());
    assert_eq!(mode(), 0o600);
}

#[test]
fn a_power_cut_takes_data_and_names_that_were_not_synced() {
    let (a, root) = (Path::new("/a"), Path::new("/"));
    let after = |survives, prepare: &dyn Fn(&SimFiles)| {
        let files = SimFiles::new();
        prepare(&files);
        files.power_on(survives);
        files.read(a).ok()
    };
    let name_only = |files: &SimFiles| {
        put(files, a, b"data").unwrap();
        files.sync_dir(root).unwrap();
    };
    let data_only = |files: &SimFiles| {
        let mut writer = files.create(a, Create::default()).unwrap();
        writer.write(b"data").unwrap();
        writer.sync().unwrap();
    };
    assert_eq!(after(Survives::Nothing, &name_only), Some(Vec::new()), "the classic empty file");
    assert_eq!(after(Survives::Nothing, &data_only), None, "the name was never synced");
    assert_eq!(after(Survives::Names, &data_only), Some(b"data".to_vec()));
    assert_eq!(after(Survives::Everything, &data_only), Some(b"data".to_vec()));
    assert_eq!(after(Survives::Nothing, &|files| put_durably(files, a, b"data")), Some(b"data".to_vec()));
}

#[test]
fn a_lost_folder_takes_what_is_in_it() {
    let files = SimFiles::new();
    files.create_dir_all(Path::new("/day")).unwrap();
    put_durably(&files, Path::new("/day/a"), b"data");
    files.power_on(Survives::Nothing);
    assert!(!files.exists(Path::new("/day/a")));
}

#[test]
fn what_was_synced_survives_whatever_else_was_going_on() {
    for seed in 0..200 {
        let files = SimFiles::new();
        put_durably(&files, Path::new("/journal"), b"first;");
        files.append(Path::new("/journal")).unwrap().write(b"second;").unwrap();
        files.power_on(Survives::Some { seed });
        let left = files.read(Path::new("/journal")).unwrap();
        assert!(left.starts_with(b"first;") && b"first;second;".starts_with(&left[..]), "{left:?}");
    }
}

#[test]
fn faults_come_at_the_operation_they_were_set_for() {
    let files = SimFiles::new();
    let path = Path::new("/a");
    files.fault_at(1, SimFault::Error);
    let mut writer = files.create(path, Create::default()).unwrap();
    assert!(matches!(writer.write(b"12345678"), Err(FilesError::Other { .. })));
    writer.write(b"!").unwrap();
    assert_eq!(files.read(path).unwrap(), b"1234!", "a failed write may leave a part");

    files.fault_at(files.operations(), SimFault::PowerCut);
    assert!(matches!(writer.sync(), Err(FilesError::PowerLost { .. })));
    assert!(matches!(files.read(path), Err(FilesError::PowerLost { .. })));
    files.power_on(Survives::Everything);
    assert_eq!(files.read(path).unwrap(), b"1234!");
    assert!(matches!(writer.write(b"?"), Err(FilesError::PowerLost { .. })), "a writer does not outlive the machine");

    files.set_capacity(Some(8));
    let error = put(&files, Path::new("/b"), b"12345").unwrap_err();
    assert!(matches!(error, FilesError::Full { .. }), "{error}");
    assert_eq!(files.read(Path::new("/b")).unwrap(), b"123");
    files.set_capacity(None);
    files.set_read_only(true);
    assert!(matches!(files.remove(path), Err(FilesError::Denied { .. })));
}

#[test]
fn a_taped_client_refuses_what_it_has_not_recorded() {
    let order = Request::new("POST", "http://127.0.0.1/orders").body("{}");
    let http = TapedHttp::new([(order.clone(), Response::new(200, "ok"))]);
    let other = Request::new("DELETE", "http://127.0.0.1/orders/1");
    let error = http.send(&other).unwrap_err();
    assert!(error.to_string().contains("DELETE http://127.0.0.1/orders/1 is not on the tape"), "{error}");
    assert!(!error.may_have_arrived());
    assert!(http.send(&Request { body: b"{1}".to_vec(), ..order.clone() }).is_err());
    let with_token = order.clone().header("Authorization", "Bearer other");
    assert_eq!(http.send(&with_token).unwrap().body, b"ok");
    assert!(matches!(http.send(&order), Err(HttpError::NotTaped { at: 1, .. })));
    assert_eq!(http.left(), 0);
}

#[test]
fn a_simulated_client_can_lose_the_answer() {
    let http = SimHttp::new(|request| {
        Err(HttpError::NotAnswered {
            method: request.method.clone(),
            url: request.url.clone(),
            reason: "time-out after 5 s".to_owned(),
        })
    });
    let error = http.send(&Request::new("POST", "http://127.0.0.1/orders")).unwrap_err();
    assert!(error.may_have_arrived());
    assert_eq!(http.requests().len(), 1);
}

#[test]
fn a_scripted_socket_answers_and_a_taped_one_sends_nothing() {
    let ping = Frame::Text("ping".to_owned());
    let mut socket =
        SimWebSocket::new([Frame::Binary(vec![1])], |frame| vec![frame.clone(), Frame::Close(1000, String::new())]);
    socket.send(ping.clone()).unwrap();
    assert_eq!(socket.receive().unwrap(), Some(Frame::Binary(vec![1])));
    assert_eq!(socket.receive().unwrap(), Some(ping.clone()));
    assert!(matches!(socket.receive().unwrap(), Some(Frame::Close(1000, _))));
    assert_eq!(socket.receive().unwrap(), None);
    assert!(matches!(socket.send(ping.clone()), Err(WebSocketError::Lost(_))));

    let url = "ws://127.0.0.1/stream";
    let sockets = TapedWebSockets::new([(url.to_owned(), vec![ping.clone()])]);
    assert!(sockets.connect(&Request::new("GET", "ws://127.0.0.1/other")).is_err());
    let mut taped = sockets.connect(&Request::new("GET", url)).unwrap();
    assert!(matches!(taped.send(ping.clone()), Err(WebSocketError::NotTaped(_))));
    assert_eq!((taped.receive().unwrap(), taped.receive().unwrap()), (Some(ping), None));
    assert!(sockets.connect(&Request::new("GET", url)).is_err());
}

/// A folder of the system that goes away with the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("exuvia-ports-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn an_error_is_told_again_of_the_file_that_was_meant_and_stays_what_it_was() {
    let (operation, hidden, meant) = ("create", PathBuf::from("/lake/.a.tmp"), PathBuf::from("/lake/a"));
    let errors = |operation: &'static str, path: &PathBuf| {
        let path = path.clone();
        [
            FilesError::NotFound { operation, path: path.clone() },
            FilesError::Exists { operation, path: path.clone() },
            FilesError::Denied { operation, path: path.clone() },
            FilesError::Full { operation, path: path.clone() },
            FilesError::Other { operation, path: path.clone(), reason: "the tape broke".to_owned() },
            FilesError::PowerLost { operation, path },
        ]
    };
    let told = errors(operation, &hidden).map(|error| error.told_of("write", &meant));
    assert_eq!(told, errors("write", &meant));
    assert!(told.iter().all(|error| error.to_string().contains("write /lake/a") && !error.to_string().contains("tmp")));
    let locked = FilesError::Locked { path: hidden, holder: "pid 7".to_owned() };
    assert_eq!(locked.told_of("write", &meant), FilesError::Locked { path: meant, holder: "pid 7".to_owned() });
}

#[test]
fn a_reader_from_before_a_power_cut_reads_nothing_any_more() {
    let (files, a) = (SimFiles::new(), Path::new("/a"));
    put_durably(&files, a, b"data");
    let before = files.open(a).unwrap();
    assert_eq!(before.read_at(1, 2).unwrap(), b"at");
    files.power_on(Survives::Everything);
    assert_eq!(before.read_at(1, 2), Err(FilesError::PowerLost { operation: "read", path: a.to_path_buf() }));
    assert_eq!(files.open(a).unwrap().read_at(1, 2).unwrap(), b"at");
}

/// The same on both: parts of a file, past its end, and what no memory could hold.
#[test]
fn a_part_of_a_file_ends_where_the_file_ends_whatever_was_asked_for() {
    let scratch = Scratch::new("parts");
    let (sim, path) = (SimFiles::new(), scratch.0.join("a"));
    sim.create_dir_all(&scratch.0).unwrap();
    for files in [&SystemFiles as &dyn Files, &sim] {
        put(files, &path, b"0123456789").unwrap();
        let reader = files.open(&path).unwrap();
        let part = |offset, length| reader.read_at(offset, length).unwrap();
        assert_eq!(part(0, 4), b"0123");
        assert_eq!(part(8, 4), b"89");
        assert_eq!(part(3, 3), b"345", "the reads before it moved nothing");
        assert_eq!((part(10, 4), part(99, 4), part(2, 0)), (Vec::new(), Vec::new(), Vec::new()));
        assert_eq!(part(4, usize::MAX), b"456789");
    }
    let folder = SystemFiles.open(&scratch.0).unwrap();
    assert!(folder.read_at(0, 4).unwrap_err().to_string().contains("read"), "a folder is none");
}
