//! The component that is made: what was put into it so far, and under which numbers.

use std::collections::HashMap;
use std::convert::Infallible;

use wasm_encoder::reencode::{Error, Reencode, ReencodeComponent};
use wasm_encoder::{Component, ComponentSectionId, ExportKind, InstanceSection, RawSection};
use wasmparser::ExternalKind;

use super::Origin;
use super::merge::Merge;

/// Bytes before the first section of a component.
const HEADER: usize = 8;

/// The new component.
#[derive(Default)]
pub(super) struct Out<'a> {
    /// What comes before the merged module, once that can be made.
    pub(super) before: Vec<u8>,
    /// What comes after it, or before it as long as it cannot be made.
    pub(super) component: Component,
    pub(super) merge: Option<Merge<'a>>,
    /// The instance of the merged module.
    pub(super) instance: u32,
    /// What of it is used.
    pub(super) exports: Vec<(ExternalKind, u32)>,
    /// The numbers of what was made so far, and of what was aliased.
    pub(super) made: HashMap<u32, u32>,
    pub(super) kept: HashMap<u32, u32>,
    pub(super) aliased: HashMap<(usize, Origin<'a>), u32>,
    pub(super) counts: [u32; 4],
    /// Core instances and modules so far.
    pub(super) instances: u32,
    pub(super) modules: u32,
}

impl Out<'_> {
    /// An instance of these items.
    pub(super) fn bag(&mut self, items: &[(String, ExternalKind, u32)]) -> u32 {
        let mut section = InstanceSection::new();
        let items: Vec<_> = items
            .iter()
            .map(|(name, kind, index)| (name.as_str(), ExportKind::from(*kind), *index))
            .collect();
        section.export_items(items);
        self.component.section(&section);
        self.instances += 1;
        self.instances - 1
    }

    pub(super) fn finish(self) -> Result<Vec<u8>, String> {
        let rest = self.component.finish();
        let Some(merge) = self.merge else { return Ok(rest) };
        let mut module = Component::new();
        let id = ComponentSectionId::CoreModule.into();
        module.section(&RawSection { id, data: &merge.finish(&self.exports)? });
        Ok([&self.before, &module.finish()[HEADER..], &rest[HEADER..]].concat())
    }
}

/// New numbers of what one function of a component is made with.
#[derive(Default)]
pub(super) struct Numbers {
    pub(super) functions: HashMap<u32, u32>,
    pub(super) memories: HashMap<u32, u32>,
}

impl Reencode for Numbers {
    type Error = Infallible;

    fn function_index(&mut self, index: u32) -> Result<u32, Error> {
        self.functions.get(&index).copied().ok_or(Error::UnsupportedCoreTypeInComponent)
    }

    fn memory_index(&mut self, index: u32) -> Result<u32, Error> {
        self.memories.get(&index).copied().ok_or(Error::UnsupportedCoreTypeInComponent)
    }
}

impl ReencodeComponent for Numbers {}

pub(super) fn text(error: Error) -> String {
    error.to_string()
}
