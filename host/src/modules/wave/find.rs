//! Finding an exported function by what somebody wrote.

use wasmtime::component::types::{ComponentFunc, ComponentItem};
use wasmtime::component::{Component, ComponentExportIndex, Type, Val};

use super::super::limits::NAMES_LISTED_MAX;
use super::super::near::near_names;
use super::error::CallError;
use super::types::{not_callable, type_text};
use super::{check_size, json};

/// An exported function that can be called with values written as text.
#[derive(Clone)]
pub struct Callee {
    /// `interface#name`, or the bare name.
    pub path: String,
    /// By which an instance of the component finds the function, without its name.
    pub export: ComponentExportIndex,
    /// Names and types of the parameters.
    pub params: Vec<(String, Type)>,
    /// Types of the results: none or one.
    pub results: Vec<Type>,
}

impl std::fmt::Debug for Callee {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Callee").field("path", &self.path).finish_non_exhaustive()
    }
}

/// A function of the component, before its type is looked at.
struct Candidate {
    interface: Option<String>,
    name: String,
}

impl Candidate {
    fn path(&self) -> String {
        match &self.interface {
            Some(interface) => format!("{interface}#{}", self.name),
            None => self.name.clone(),
        }
    }

    /// Whether what was written before the `#` means this function's interface: the whole name,
    /// the name without its version, or its last part.
    fn is_in(&self, wanted: &str) -> bool {
        let Some(interface) = &self.interface else { return false };
        let unversioned = interface.split('@').next().unwrap_or(interface);
        let last = unversioned.rsplit('/').next().unwrap_or(unversioned);
        [interface.as_str(), unversioned, last].contains(&wanted)
    }
}

impl Callee {
    /// Finds the function that `path` means: a name, or an interface, `#` and a name. A name
    /// that is in exactly one exported interface is found there.
    ///
    /// # Errors
    ///
    /// There is none, or several, or text cannot write its type.
    pub fn find(component: &Component, path: &str) -> Result<Callee, CallError> {
        let candidates = candidates(component);
        let (interface, name) = match path.rsplit_once('#') {
            Some((interface, name)) => (Some(interface.trim()), name.trim()),
            None => (None, path.trim()),
        };
        let mut found: Vec<&Candidate> = candidates
            .iter()
            .filter(|candidate| candidate.name == name)
            .filter(|candidate| interface.is_none_or(|interface| candidate.is_in(interface)))
            .collect();
        // A function of the component itself comes before those within interfaces, and the
        // interface that was written out before those that only end so.
        let exact = |candidate: &&Candidate| candidate.interface.as_deref() == interface;
        if let Some(exact) = found.iter().copied().find(exact) {
            found = vec![exact];
        }
        match found[..] {
            [candidate] => Callee::new(component, candidate),
            [] => Err(no_function(path, name, &candidates)),
            _ => {
                let candidates = found.iter().map(|candidate| candidate.path()).collect();
                Err(CallError::Ambiguous { wanted: path.to_owned(), candidates })
            }
        }
    }

    fn new(component: &Component, candidate: &Candidate) -> Result<Callee, CallError> {
        let path = candidate.path();
        let parent = candidate.interface.as_deref();
        let parent = parent.and_then(|name| component.get_export_index(None, name));
        let found = component.get_export(parent.as_ref(), candidate.name.as_str());
        let Some((ComponentItem::ComponentFunc(ty), export)) = found else {
            let why = "it is not a function".to_owned();
            return Err(CallError::NotCallable { function: path, why });
        };
        if let Some(why) = why_not(&candidate.name, &ty) {
            return Err(CallError::NotCallable { function: path, why });
        }
        let params = ty.params().map(|(name, ty)| (name.to_owned(), ty)).collect();
        let results = ty.results().collect();
        Ok(Callee { path, export, params, results })
    }

    /// The function with its type, as in WIT.
    pub fn signature(&self) -> String {
        let params: Vec<String> =
            self.params.iter().map(|(name, ty)| format!("{name}: {}", type_text(ty))).collect();
        let result = self.results.first().map(|ty| format!(" -> {}", type_text(ty)));
        format!("{}: func({}){}", self.path, params.join(", "), result.unwrap_or_default())
    }

    /// Makes the arguments from JSON: an array in the order of the parameters, or an object by
    /// their names. Optional parameters may be left out: at the end of an array, anywhere in an
    /// object.
    ///
    /// # Errors
    ///
    /// Not JSON, or it does not fit; the error says where.
    pub fn params_from_json(&self, text: &str) -> Result<Vec<Val>, CallError> {
        check_size(text)?;
        json::arguments(self, text).map_err(|message| {
            let signature = Some(self.signature());
            CallError::Json { message, signature }
        })
    }
}

fn why_not(name: &str, ty: &ComponentFunc) -> Option<String> {
    if name.starts_with('[') {
        return Some("it belongs to a resource, which text cannot name".to_owned());
    }
    if ty.async_() {
        return Some("it is asynchronous".to_owned());
    }
    let mut types = ty.params().map(|(_, ty)| ty).chain(ty.results());
    let part = types.find_map(|ty| not_callable(&ty))?;
    Some(format!("its type has a {part}, which text cannot write"))
}

fn candidates(component: &Component) -> Vec<Candidate> {
    let engine = component.engine();
    let mut candidates = Vec::new();
    for (name, item) in component.component_type().exports(engine) {
        match item.ty {
            ComponentItem::ComponentFunc(_) => {
                candidates.push(Candidate { interface: None, name: name.to_owned() });
            }
            ComponentItem::ComponentInstance(instance) => {
                for (member, item) in instance.exports(engine) {
                    if matches!(item.ty, ComponentItem::ComponentFunc(_)) {
                        let interface = Some(name.to_owned());
                        candidates.push(Candidate { interface, name: member.to_owned() });
                    }
                }
            }
            _ => {}
        }
        // `load` lets no component in that has more.
        if candidates.len() > NAMES_LISTED_MAX {
            break;
        }
    }
    candidates
}

fn no_function(path: &str, name: &str, candidates: &[Candidate]) -> CallError {
    let exports: Vec<String> = candidates.iter().map(Candidate::path).collect();
    // Near is a name near to the name, or a whole path near to the path.
    let names = near_names(name, candidates.iter().map(|candidate| candidate.name.as_str()));
    let mut near: Vec<String> = candidates
        .iter()
        .filter(|candidate| names.contains(&candidate.name))
        .map(Candidate::path)
        .collect();
    if near.is_empty() {
        near = near_names(path, exports.iter().map(String::as_str));
    }
    near.truncate(3);
    CallError::NoFunction { wanted: path.to_owned(), near, exports }
}
