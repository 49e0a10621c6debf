//! The definitions of a component, in their order.

use wasmparser::{CanonicalFunction, ComponentAlias, Instance, Parser, Payload};

/// One definition of a component.
pub(super) enum Item<'a> {
    /// A section that has nothing to do with core modules.
    Other(u8, &'a [u8]),
    Module(&'a [u8]),
    Component(&'a [u8]),
    Instance(Instance<'a>),
    Alias(ComponentAlias<'a>),
    Function(CanonicalFunction),
}

/// The definitions of a component, in their order; no custom sections.
pub(super) fn items(component: &[u8]) -> wasmparser::Result<Vec<Item<'_>>> {
    let (mut items, mut depth) = (Vec::new(), 0);
    for payload in Parser::new(0).parse_all(component) {
        match payload? {
            Payload::Version { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            _ if depth > 1 => {}
            Payload::CustomSection(_) => {}
            Payload::ModuleSection { unchecked_range, .. } => {
                items.push(Item::Module(&component[unchecked_range]));
            }
            Payload::ComponentSection { unchecked_range, .. } => {
                items.push(Item::Component(&component[unchecked_range]));
            }
            Payload::InstanceSection(section) => {
                for instance in section {
                    items.push(Item::Instance(instance?));
                }
            }
            Payload::ComponentAliasSection(section) => {
                for alias in section {
                    items.push(Item::Alias(alias?));
                }
            }
            Payload::ComponentCanonicalSection(section) => {
                for function in section {
                    items.push(Item::Function(function?));
                }
            }
            other => {
                if let Some((id, range)) = other.as_section() {
                    items.push(Item::Other(id, &component[range]));
                }
            }
        }
    }
    Ok(items)
}
