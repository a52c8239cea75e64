//! One document: interpolated, checked, canonical, paths absolute, `include` taken in.

use std::path::Path;

use super::{Context, Loader, Variable, include};
use crate::interpolate::{self, Operator, Usage};
use crate::node::Node;

impl Loader<'_> {
    /// Makes a parsed document ready to be merged.
    pub(crate) fn document(&mut self, mut root: Node, path: &Path, context: &Context) -> Node {
        self.record_variables(&root);
        if !self.options.no_interpolate {
            let lookup = |name: &str| context.variables.get(name).cloned();
            interpolate::document(&mut root, &lookup, &mut self.unset, &mut self.out);
        }
        self.check(&root, path);
        if self.options.no_interpolate {
            self.remember_forms(&root, path);
            super::raw::around_ports(&mut root, |root| crate::canonical::canonicalise(root, &mut self.out));
        } else {
            crate::canonical::canonicalise(&mut root, &mut self.out);
        }
        if !self.options.no_path_resolution {
            let base = self.base(&context.folder).folder.to_path_buf();
            crate::paths::resolve(&mut root, crate::paths::Base { folder: &base, home: self.options.home.as_deref() });
        }
        self.remember(&root, &mut Vec::new());
        include::resolve(self, root, path, context)
    }

    /// Of a file that is only extended, what is wrong with a service is told when that service is extended.
    fn check(&mut self, root: &Node, path: &Path) {
        match self.extended.last_mut() {
            Some(held) => crate::schema::check(root, path, held),
            None => crate::schema::check(root, path, &mut self.out),
        }
    }

    fn record_variables(&mut self, root: &Node) {
        interpolate::each_usage(root, &mut |usage: &Usage<'_>, node| {
            self.remember_use(usage, &node.span);
            let known = self
                .variables
                .entry(usage.name.to_owned())
                .or_insert_with(|| Variable { name: usage.name.to_owned(), ..Variable::default() });
            match usage.operator {
                Some((Operator::Default, _, word)) => word.clone_into(&mut known.default),
                Some((Operator::Alternate, _, word)) => word.clone_into(&mut known.alternate),
                Some((Operator::Required, _, _)) => known.required = true,
                None => {}
            }
        });
    }
}
