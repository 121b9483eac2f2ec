//! A declaration made ready: every path resolved to a slot, every name to an index.

use exuvia_model::SymbolTable;

use super::path::{Path, Root, Step};
use super::scan::Walk;
use super::spec::{FieldKind, FieldSpec, Numbers, RecordSpec, Source, Spec, SpecError, Test, Zero};
use super::trie::Trie;

/// Where a field's value is fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Message(usize),
    Row(usize),
    Received,
    Symbol,
    /// A symbol that the place of the rows stands for.
    Constant(u32),
}

/// A field made ready.
#[derive(Debug, Clone)]
pub(super) struct Field {
    pub name: String,
    pub kind: FieldKind,
    pub keep: Numbers,
    pub optional: bool,
    pub codes: Vec<(String, u32)>,
    pub zero: Zero,
    pub round: bool,
}

/// Where the rows of a kind stand, and where their fields are fetched.
#[derive(Debug, Clone)]
pub(super) struct Origin {
    pub set: Option<usize>,
    /// Of each field, the places that are tried in order.
    pub places: Vec<Vec<Place>>,
    /// Of each field, whether it is the same for all rows.
    pub steady: Vec<bool>,
}

/// A kind of record made ready.
#[derive(Debug, Clone)]
pub(super) struct Kind {
    pub name: String,
    pub when: Vec<(usize, Test)>,
    pub origins: Vec<Origin>,
    pub fields: Vec<Field>,
    pub merge: bool,
    pub skip_repeats: bool,
    pub sequence: Option<usize>,
    pub symbol: Option<usize>,
    pub crossed: Option<(usize, usize)>,
}

/// A declaration made ready.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub walk: Walk,
    pub kinds: Vec<Kind>,
}

impl Plan {
    pub fn new(spec: &Spec, symbols: &mut SymbolTable) -> Result<Self, SpecError> {
        let mut walk = Walk { message: Trie::new(), split: spec.split, ..Walk::default() };
        for record in &spec.records {
            check(record)?;
            for (path, _) in &record.when {
                walk.message.add(&path.steps, false);
            }
            for path in message_paths(record) {
                walk.message.add(&path.steps, false);
            }
            for rows in &record.rows {
                walk.message.add(&rows.path.steps, true);
            }
        }
        (walk.slots, walk.sets) = walk.message.number();
        walk.rows = vec![(Trie::new(), 0); walk.sets];
        for record in &spec.records {
            for rows in &record.rows {
                if let Some((trie, _)) = set_of(&walk, &rows.path.steps).and_then(|set| walk.rows.get_mut(set)) {
                    for path in row_paths(record) {
                        trie.add(&path.steps, false);
                    }
                }
            }
        }
        for (trie, width) in &mut walk.rows {
            (*width, _) = trie.number();
        }
        let kinds = spec.records.iter().map(|record| kind(record, spec.numbers, &walk, symbols));
        Ok(Self { kinds: kinds.collect::<Result<_, _>>()?, walk })
    }
}

fn paths(record: &RecordSpec) -> impl Iterator<Item = &Path> {
    record.fields.iter().flat_map(|field| &field.from).filter_map(|source| match source {
        Source::Path(path) => Some(path),
        Source::Received | Source::Symbol => None,
    })
}

fn message_paths(record: &RecordSpec) -> impl Iterator<Item = &Path> {
    paths(record).filter(|path| !path.is_of_row())
}

fn row_paths(record: &RecordSpec) -> impl Iterator<Item = &Path> {
    paths(record).filter(|path| path.is_of_row())
}

fn set_of(walk: &Walk, steps: &[Step]) -> Option<usize> {
    walk.message.find(steps)?.set
}

/// What records call by these names themselves.
const RESERVED: [&str; 5] = ["kind", "names", "raw", "float", "as_dict"];

/// Refuses what could not be followed.
fn check(record: &RecordSpec) -> Result<(), SpecError> {
    let RecordSpec { name, fields, rows, .. } = record;
    let refuse = |why: String| Err(SpecError(format!("records.{name}: {why}")));
    if fields.is_empty() || fields.len() > 256 {
        return refuse(format!("it has {} fields: name 1 to 256", fields.len()));
    }
    for (index, field) in fields.iter().enumerate() {
        let FieldSpec { name: field_name, kind, from, codes, .. } = field;
        if field_name.is_empty() || field_name.starts_with('_') || RESERVED.contains(&field_name.as_str()) {
            let reserved = RESERVED.join(", ");
            return refuse(format!("field {field_name:?} has a name that cannot be: not {reserved}, and no _ first"));
        }
        if fields.iter().take(index).any(|before| before.name == *field_name) {
            return refuse(format!("field {field_name:?} is named twice"));
        }
        if from.is_empty() && *kind != FieldKind::Constant {
            return refuse(format!("field {field_name:?} says from nowhere: write a path, such as \"price $.b\""));
        }
        if !codes.is_empty() && *kind != FieldKind::Symbol {
            return refuse(format!("field {field_name:?} is {kind} and has codes: only a symbol has them"));
        }
        if from.contains(&Source::Received) && !matches!(kind, FieldKind::Time(_)) {
            return refuse(format!("field {field_name:?} is {kind} from \"received\", which is a time"));
        }
        if from.contains(&Source::Symbol) && *kind != FieldKind::Symbol {
            return refuse(format!("field {field_name:?} is {kind} from \"symbol\", which is a symbol"));
        }
        if record.merge && *kind == FieldKind::Text {
            return refuse(format!("field {field_name:?} is text, which cannot be merged: declare it as symbol"));
        }
        if *kind == FieldKind::Constant {
            let without = rows.iter().find(|rows| !rows.constants.iter().any(|(name, _)| name == field_name));
            if let Some(rows) = without {
                return refuse(format!("rows {} do not say what the constant {field_name:?} is", rows.path));
            }
            if rows.is_empty() {
                return refuse(format!("the constant {field_name:?} needs rows that say what it is"));
            }
        }
    }
    if let Some(path) = row_paths(record).next().filter(|_| rows.is_empty()) {
        return refuse(format!("path {path} starts at a row, and no rows are named: add rows, or start with $"));
    }
    if let Some(path) = record
        .when
        .iter()
        .map(|(path, _)| path)
        .chain(rows.iter().map(|rows| &rows.path))
        .find(|path| path.root == Root::Row)
    {
        return refuse(format!("path {path} starts at a row: conditions and rows start at the message, with $"));
    }
    for rows in rows {
        for (constant, _) in &rows.constants {
            let field = fields.iter().find(|field| field.name == *constant);
            if !field.is_some_and(|field| field.kind == FieldKind::Constant) {
                return refuse(format!("rows {} say {constant:?}, which is no constant field", rows.path));
            }
        }
    }
    Ok(())
}

fn kind(record: &RecordSpec, numbers: Numbers, walk: &Walk, symbols: &mut SymbolTable) -> Result<Kind, SpecError> {
    let place = |what: &str, name: &str| {
        record
            .fields
            .iter()
            .position(|field| field.name == name)
            .ok_or_else(|| SpecError(format!("records.{}.{what}: there is no field {name:?}", record.name)))
    };
    let slot = |steps: &[Step]| walk.message.find(steps).and_then(|node| node.slot).unwrap_or(usize::MAX);
    let mut origins = Vec::new();
    let sets: Vec<_> = record.rows.iter().map(Some).collect();
    for rows in if sets.is_empty() { vec![None] } else { sets } {
        let set = rows.and_then(|rows| set_of(walk, &rows.path.steps));
        let row_slot = |steps: &[Step]| {
            let (trie, _) = walk.rows.get(set?)?;
            trie.find(steps)?.slot
        };
        let mut places = Vec::new();
        for field in &record.fields {
            let constants = rows.map(|rows| rows.constants.as_slice()).unwrap_or_default();
            let constant = constants.iter().filter(|(name, _)| *name == field.name);
            let mut tried: Vec<Place> = constant.map(|(_, word)| Place::Constant(symbols.intern(word).0)).collect();
            tried.extend(field.from.iter().map(|source| match source {
                Source::Received => Place::Received,
                Source::Symbol => Place::Symbol,
                Source::Path(Path { root: Root::Row, steps }) => Place::Row(row_slot(steps).unwrap_or(usize::MAX)),
                Source::Path(Path { root: Root::Message, steps }) => Place::Message(slot(steps)),
            }));
            places.push(tried);
        }
        let steady = places.iter().map(|places| !places.iter().any(|place| matches!(place, Place::Row(_)))).collect();
        origins.push(Origin { set, places, steady });
    }
    let symbol = record.fields.iter().position(|field| field.name == "symbol" && field.kind == FieldKind::Symbol);
    let symbol = symbol.or_else(|| record.fields.iter().position(|field| field.kind == FieldKind::Symbol));
    if symbol.is_none() && record.merge {
        return Err(SpecError(format!("records.{}: merge needs a symbol field", record.name)));
    }
    let sequence = record.sequence.as_ref().map(|name| place("sequence", name)).transpose()?;
    if sequence.is_some_and(|index| record.fields.get(index).is_some_and(|field| field.kind != FieldKind::Int)) {
        return Err(SpecError(format!("records.{}.sequence: the field must be an int", record.name)));
    }
    let crossed = record.crossed.as_ref();
    let crossed = crossed.map(|(bid, ask)| Ok::<_, SpecError>((place("crossed", bid)?, place("crossed", ask)?)));
    let fields = record.fields.iter().map(|field| Field {
        name: field.name.clone(),
        kind: field.kind,
        keep: if field.kind == FieldKind::Float { Numbers::Float } else { field.keep.unwrap_or(numbers) },
        optional: field.optional,
        codes: field.codes.iter().map(|(code, name)| (code.clone(), symbols.intern(name).0)).collect(),
        zero: field.zero,
        round: field.round,
    });
    Ok(Kind {
        name: record.name.clone(),
        when: record.when.iter().map(|(path, test)| (slot(&path.steps), test.clone())).collect(),
        origins,
        fields: fields.collect(),
        merge: record.merge,
        skip_repeats: record.skip_repeats,
        sequence,
        symbol,
        crossed: crossed.transpose()?,
    })
}
