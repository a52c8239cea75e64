//! One document: interpolated, checked, canonical, paths absolute, `include` taken in.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use super::{Context, Loader, Variable, include};
use crate::interpolate::{self, Operator, Usage};
use crate::node::{Node, SourceFile, Span, Value};

impl Loader<'_> {
    /// Makes a parsed document ready to be merged.
    pub(crate) fn document(&mut self, mut root: Node, path: &Path, context: &Context) -> Node {
        self.record_variables(&root);
        let lookup = |name: &str| context.variables.get(name).cloned();
        let every = |_: &[String]| true;
        // Other files must be found whether or not values are printed with their variables.
        let wanted: &dyn Fn(&[String]) -> bool = if self.options.no_interpolate { &names_a_file } else { &every };
        interpolate::document(&mut root, wanted, &lookup, &mut self.unset, &mut self.out);
        self.check(&root, path);
        if self.options.no_interpolate {
            self.remember_forms(&root, path);
            super::raw::around_ports(&mut root, |root| crate::canonical::canonicalise(root, &mut self.out));
        } else {
            crate::canonical::canonicalise(&mut root, &mut self.out);
        }
        if let Some(folder) = self.path_base(&context.folder) {
            crate::paths::resolve(&mut root, self.base(&folder));
        }
        self.remember(&root, &mut Vec::new());
        include::resolve(self, root, path, context)
    }

    /// What the relative paths of a document are put below. Without path resolution only those of another directory's
    /// file change, because they must go on naming the same files from the project's directory.
    fn path_base(&self, folder: &Path) -> Option<PathBuf> {
        if !self.options.no_path_resolution {
            return Some(folder.to_path_buf());
        }
        let elsewhere = !self.extended.is_empty() || !self.including.is_empty();
        elsewhere.then(|| crate::paths::relative(&self.folder, folder))
    }

    /// Of a file that is only extended, what is wrong with a service is told when that service is extended.
    fn check(&mut self, root: &Node, path: &Path) {
        let raw = self.options.no_interpolate;
        crate::schema::check(root, path, raw, self.extended.last_mut().unwrap_or(&mut self.out));
    }

    fn record_variables(&mut self, root: &Node) {
        interpolate::each_usage(root, &mut |usage: &Usage<'_>, node, path| {
            self.remember_use(usage, &node.span);
            let mut variable = Variable { name: usage.name.to_owned(), ..Variable::default() };
            match usage.operator {
                Some((Operator::Default, _, word)) => word.clone_into(&mut variable.default),
                Some((Operator::Alternate, _, word)) => word.clone_into(&mut variable.alternate),
                Some((Operator::Required, _, _)) => variable.required = true,
                None => {}
            }
            self.uses.push(Use { variable, span: node.span.clone(), names_a_file: names_a_file(path) });
        });
    }

    /// The variables that decide what the merged tree says, by name. What a later file replaced needs none.
    pub(super) fn variables(&self, tree: &Node) -> Vec<Variable> {
        let mut places = HashSet::new();
        collect_places(tree, &mut places);
        let mut all: BTreeMap<&str, Variable> = BTreeMap::new();
        for Use { variable, span, names_a_file } in &self.uses {
            if !names_a_file && !place(span).is_some_and(|place| places.contains(&place)) {
                continue;
            }
            let known = all
                .entry(&variable.name)
                .or_insert_with(|| Variable { name: variable.name.clone(), ..Variable::default() });
            known.required |= variable.required;
            for (known, new) in [(&mut known.default, &variable.default), (&mut known.alternate, &variable.alternate)] {
                if !new.is_empty() {
                    known.clone_from(new);
                }
            }
        }
        all.into_values().collect()
    }
}

/// One use of a variable.
pub(crate) struct Use {
    variable: Variable,
    span: Span,
    /// The value names another file, and is gone from the merged tree for that reason only.
    names_a_file: bool,
}

/// Whether the value at a path names a file that the document is made of.
fn names_a_file(path: &[String]) -> bool {
    match path {
        [section, ..] if section == "include" => true,
        [section, _, attribute, ..] => section == "services" && attribute == "extends",
        _ => false,
    }
}

/// File (by address), line and column.
type Place = (*const SourceFile, usize, usize);

fn place(span: &Span) -> Option<Place> {
    span.file.as_ref().map(|file| (std::sync::Arc::as_ptr(file), span.line, span.column))
}

fn collect_places(node: &Node, places: &mut HashSet<Place>) {
    places.extend(place(&node.span));
    match &node.value {
        Value::Map(map) => map.values().for_each(|entry| collect_places(&entry.node, places)),
        Value::Seq(items) => items.iter().for_each(|item| collect_places(item, places)),
        _ => {}
    }
}
