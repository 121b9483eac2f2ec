//! The kill switch: from two processes, by `touch`, on a disk that fails.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use exuvia_execution::kill_switch::{KillError, KillSwitch, Level, Wish};
use exuvia_model::Time;
use exuvia_net::SystemFiles;
use exuvia_ports::{Create, Files, SimFault, SimFiles, Survives};

const WISHES: [Wish; 3] = [Wish::Entry, Wish::Exit, Wish::Cancel];

fn path() -> &'static Path {
    Path::new("/kill")
}

fn allowed(switch: &mut KillSwitch) -> [bool; 3] {
    WISHES.map(|wish| switch.before_send(wish).is_ok())
}

fn write(files: &dyn Files, path: &Path, text: &str) {
    let mut writer = files.create(path, Create::default()).unwrap();
    writer.write(text.as_bytes()).unwrap();
    writer.sync().unwrap();
}

fn text(files: &dyn Files, path: &Path) -> String {
    String::from_utf8(files.read(path).unwrap()).unwrap()
}

#[test]
fn what_one_process_sets_stops_another_until_somebody_clears_it() {
    let files = SimFiles::new();
    let mut bot = KillSwitch::new(Arc::new(files.clone()), path());
    let desk = KillSwitch::new(Arc::new(files.clone()), path());
    assert_eq!(allowed(&mut bot), [true; 3]);
    desk.set(Level::Entries, "Ada", "quotes look wrong", Time(5)).unwrap();
    assert_eq!(allowed(&mut bot), [false, true, true]);
    desk.set(Level::All, "Ben", "worse", Time(6)).unwrap();
    assert_eq!(allowed(&mut bot), [false, false, true]);
    desk.set(Level::Entries, "Ada", "again", Time(7)).unwrap();
    assert_eq!(allowed(&mut bot), [false, false, true], "less does not take more back");
    let killed = bot.before_send(Wish::Exit).unwrap_err();
    assert_eq!(killed.code(), "killed");
    for said in ["/kill", "Ben", "worse", "nothing but cancels", "1970-01-01T00:00:00"] {
        assert!(killed.to_string().contains(said), "{killed}");
    }
    let found = bot.clear("Cleo", "feed is back", Time(8)).unwrap();
    assert_eq!((found.by.as_str(), found.level), ("Ben", Level::All));
    assert_eq!((allowed(&mut bot), desk.read()), ([true; 3], None));
    let record = text(&files, &desk.record_path());
    let whats: Vec<String> = record
        .lines()
        .map(|line| {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            format!(
                "{} {} {}",
                line["what"].as_str().unwrap(),
                line["by"].as_str().unwrap(),
                line["why"].as_str().unwrap()
            )
        })
        .collect();
    assert_eq!(
        whats,
        ["set Ada quotes look wrong", "set Ben worse", "set Ada again", "found Ben worse", "cleared Cleo feed is back"]
    );
    files.power_on(Survives::Nothing);
    assert_eq!((desk.read(), text(&files, &desk.record_path())), (None, record), "both are durable");
}

#[test]
fn a_set_switch_survives_a_power_cut() {
    let files = SimFiles::new();
    let mut switch = KillSwitch::new(Arc::new(files.clone()), path());
    switch.set(Level::All, "Ada", "storm", Time(5)).unwrap();
    files.power_on(Survives::Nothing);
    assert_eq!(allowed(&mut switch), [false, false, true]);
}

#[test]
fn an_empty_file_stops_entries_and_one_that_cannot_be_read_stops_everything_but_cancels() {
    let later = r#"{"format":2,"level":"entries","by":"Ada","why":"x"}"#;
    for (content, expected, says) in [
        ("", [false, true, true], "an empty file"),
        (" \n", [false, true, true], "an empty file"),
        ("stop!", [false, false, true], "cannot be read"),
        (later, [false, false, true], "format 2"),
        (r#"{"format":1,"level":"some","by":"Ada","why":"x"}"#, [false, false, true], "cannot be read"),
        (r#"{"format":1,"level":"entries","by":"Ada","why":"by hand"}"#, [false, true, true], "says Ada: by hand"),
    ] {
        let files = SimFiles::new();
        write(&files, path(), content);
        let mut switch = KillSwitch::new(Arc::new(files), path());
        assert_eq!(allowed(&mut switch), expected, "{content:?}");
        let killed = switch.before_send(Wish::Entry).unwrap_err();
        assert!(killed.to_string().contains(says), "{killed}");
    }
    let files = SimFiles::new();
    files.create_dir_all(path()).unwrap();
    assert_eq!(allowed(&mut KillSwitch::new(Arc::new(files), path())), [false, false, true], "a folder of that name");
    let files = SimFiles::new();
    let mut gone = KillSwitch::new(Arc::new(files.clone()), Path::new("/not/mounted/kill"));
    assert_eq!(allowed(&mut gone), [false, false, true], "its folder is gone");
    files.create_dir_all(Path::new("/not/mounted")).unwrap();
    assert_eq!(allowed(&mut gone), [true; 3]);
    files.fault_at(files.operations(), SimFault::PowerCut);
    assert!(files.create(Path::new("/x"), Create::default()).is_err());
    assert_eq!(allowed(&mut gone), [false, false, true], "the disk is off");
}

#[test]
fn a_loop_reads_it_four_times_a_second_and_a_send_each_time() {
    let files = SimFiles::new();
    let mut switch = KillSwitch::new(Arc::new(files.clone()), path());
    assert!(switch.in_loop(1_000).is_none());
    write(&files, path(), "");
    assert!(switch.in_loop(1_000 + KillSwitch::LOOP_NANOS - 1).is_none());
    assert!(switch.before_send(Wish::Entry).is_err());
    assert!(switch.in_loop(1_000 + KillSwitch::LOOP_NANOS).is_some());
    files.remove(path()).unwrap();
    assert!(switch.in_loop(1_000 + 2 * KillSwitch::LOOP_NANOS - 1).is_some());
    assert!(switch.in_loop(1_000 + 2 * KillSwitch::LOOP_NANOS).is_none());
}

#[test]
fn nobody_moves_it_without_a_name_and_a_reason() {
    let switch = KillSwitch::new(Arc::new(SimFiles::new()), path());
    for (by, why, what) in [("", "x", "name"), ("Ada", "  ", "reason")] {
        let error = switch.set(Level::All, by, why, Time(0)).unwrap_err();
        assert_eq!(error.code(), "anonymous");
        assert!(error.to_string().contains(what), "{error}");
    }
    let error = switch.clear("Ada", "x", Time(0)).unwrap_err();
    assert_eq!((error.code(), error.to_string().contains("/kill is not set")), ("not_set", true));
    switch.set(Level::All, "Ada", "x", Time(0)).unwrap();
    assert_eq!(switch.clear("Ada", "", Time(0)).unwrap_err().code(), "anonymous");
    assert!(switch.read().is_some());
}

#[test]
fn it_is_cleared_only_once_that_is_on_record_whatever_the_disk_does() {
    let calm = SimFiles::new();
    let switch = KillSwitch::new(Arc::new(calm.clone()), path());
    switch.set(Level::All, "Ada", "storm", Time(0)).unwrap();
    let set = calm.operations();
    switch.clear("Ben", "over", Time(1)).unwrap();
    for at in set..calm.operations() {
        for fault in [SimFault::Error, SimFault::PowerCut, SimFault::Full] {
            let files = SimFiles::new();
            let switch = KillSwitch::new(Arc::new(files.clone()), path());
            switch.set(Level::All, "Ada", "storm", Time(0)).unwrap();
            files.fault_at(at, fault);
            let cleared = switch.clear("Ben", "over", Time(1));
            files.power_on(Survives::Nothing);
            let clear = switch.read().is_none();
            assert!(!clear || text(&files, &switch.record_path()).contains("\"by\":\"Ben\""), "{at} {fault:?}");
            assert!(cleared.is_err() || clear, "{at} {fault:?}: {cleared:?}");
            assert!(cleared.is_ok() || matches!(cleared, Err(KillError::Files(_))), "{cleared:?}");
        }
    }
}

#[test]
fn a_full_disk_still_takes_an_empty_file_and_a_read_only_one_says_so() {
    let files = SimFiles::new();
    files.set_capacity(Some(0));
    let mut switch = KillSwitch::new(Arc::new(files.clone()), path());
    let error = switch.set(Level::All, "Ada", "storm", Time(0)).unwrap_err();
    assert_eq!(error.code(), "only_empty");
    assert!(error.to_string().contains("the disk is full"), "{error}");
    assert_eq!(allowed(&mut switch), [false, true, true]);
    let files = SimFiles::new();
    files.set_read_only(true);
    let switch = KillSwitch::new(Arc::new(files), path());
    let error = switch.set(Level::All, "Ada", "storm", Time(0)).unwrap_err();
    assert_eq!(error.code(), "files");
    assert!(error.to_string().contains("read-only"), "{error}");
}

/// Another process sets the switch again while it is being cleared: after the record was written, before the file goes.
#[derive(Debug)]
struct Meanwhile(SimFiles);

impl Files for Meanwhile {
    fn read(&self, path: &Path) -> Result<Vec<u8>, exuvia_ports::FilesError> {
        let found = self.0.read(path)?;
        if path == self::path() {
            write(&self.0, path, r#"{"format":1,"level":"all","by":"Dan","why":"new storm"}"#);
        }
        Ok(found)
    }
    fn open(&self, path: &Path) -> Result<Box<dyn exuvia_ports::FileReader>, exuvia_ports::FilesError> {
        self.0.open(path)
    }
    fn lock(&self, path: &Path, holder: &str) -> Result<Box<dyn exuvia_ports::FileLock>, exuvia_ports::FilesError> {
        self.0.lock(path, holder)
    }
    fn create(&self, path: &Path, how: Create) -> Result<Box<dyn exuvia_ports::FileWriter>, exuvia_ports::FilesError> {
        self.0.create(path, how)
    }
    fn append(&self, path: &Path) -> Result<Box<dyn exuvia_ports::FileWriter>, exuvia_ports::FilesError> {
        self.0.append(path)
    }
    fn rename(&self, from: &Path, to: &Path) -> Result<(), exuvia_ports::FilesError> {
        self.0.rename(from, to)
    }
    fn sync_dir(&self, folder: &Path) -> Result<(), exuvia_ports::FilesError> {
        self.0.sync_dir(folder)
    }
    fn remove(&self, path: &Path) -> Result<(), exuvia_ports::FilesError> {
        self.0.remove(path)
    }
    fn list(&self, folder: &Path) -> Result<Vec<PathBuf>, exuvia_ports::FilesError> {
        self.0.list(folder)
    }
    fn exists(&self, path: &Path) -> bool {
        self.0.exists(path)
    }
    fn is_dir(&self, path: &Path) -> bool {
        self.0.is_dir(path)
    }
    fn stamp(&self, path: &Path) -> Result<exuvia_ports::Stamp, exuvia_ports::FilesError> {
        self.0.stamp(path)
    }
    fn create_dir_all(&self, folder: &Path) -> Result<(), exuvia_ports::FilesError> {
        self.0.create_dir_all(folder)
    }
}

#[test]
fn a_switch_that_is_set_again_meanwhile_is_not_cleared() {
    let files = SimFiles::new();
    write(&files, path(), "");
    let mut switch = KillSwitch::new(Arc::new(Meanwhile(files)), path());
    let error = switch.clear("Ben", "over", Time(1)).unwrap_err();
    assert_eq!(error.code(), "set_again");
    assert!(error.to_string().contains("Dan") && error.to_string().contains("new storm"), "{error}");
    assert_eq!(allowed(&mut switch), [false, false, true]);
}

#[test]
fn a_real_file_made_by_another_program_stops_orders() {
    let folder = std::env::temp_dir().join(format!("exuvia-kill-{}", std::process::id()));
    SystemFiles.create_dir_all(&folder).unwrap();
    let path = folder.join("kill");
    let mut switch = KillSwitch::new(Arc::new(SystemFiles), &path);
    assert_eq!(allowed(&mut switch), [true; 3]);
    assert!(std::process::Command::new("touch").arg(&path).status().unwrap().success());
    assert_eq!(allowed(&mut switch), [false, true, true]);
    switch.set(Level::All, "Ada", "more than that", Time(1)).unwrap();
    assert_eq!(allowed(&mut switch), [false, false, true]);
    switch.clear("Ben", "over", Time(2)).unwrap();
    assert_eq!(allowed(&mut switch), [true; 3]);
    assert_eq!(text(&SystemFiles, &switch.record_path()).lines().count(), 3);
    SystemFiles.remove(&switch.record_path()).unwrap();
    assert_eq!(SystemFiles.list(&folder).unwrap(), Vec::<PathBuf>::new(), "nothing else is left");
}
