//! Packages from the machine's own package sources, without root and without touching the machine: apt
//! works on lists and caches in a directory of ours, and nothing is installed.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::process;
use crate::step::Step;

pub(crate) struct Apt {
    configuration: PathBuf,
}

impl Apt {
    pub(crate) fn open(directory: &Path) -> Result<Self> {
        for tool in ["apt-get", "dpkg"] {
            let mut command = Command::new(tool);
            command.arg("--version");
            process::query(command).context("this is not Debian or a relative")?;
        }
        for needed in ["state/lists/partial", "cache/archives/partial"] {
            fs::create_dir_all(directory.join(needed))?;
        }
        let configuration = directory.join("apt.conf");
        // Hooks after an update are meant for the machine's own lists; some images delete its caches there.
        let text = format!(
            "Dir::State \"{directory}/state\";\n\
             Dir::Cache \"{directory}/cache\";\n\
             APT::Sandbox::User \"root\";\n\
             Acquire::Languages \"none\";\n\
             Acquire::Retries \"3\";\n\
             #clear APT::Update::Post-Invoke;\n\
             #clear APT::Update::Post-Invoke-Success;\n",
            directory = directory.display()
        );
        fs::write(&configuration, text)?;
        Ok(Self { configuration })
    }

    pub(crate) fn update(&self, step: &mut Step) -> Result<()> {
        process::run(step, self.command("apt-get", &["update"]))
    }

    /// The version of a package that apt would install.
    pub(crate) fn candidate(&self, package: &str) -> Option<String> {
        let record =
            process::query(self.command("apt-cache", &["show", "--no-all-versions", package])).ok()?;
        record.lines().find_map(|line| line.strip_prefix("Version: ")).map(str::to_owned)
    }

    /// A package and everything it needs, except what is installed.
    pub(crate) fn missing_dependencies(&self, package: &str) -> Result<Vec<String>> {
        let arguments = ["depends", "--recurse", "--important", package];
        let tree = process::query(self.command("apt-cache", &arguments))?;
        let installed = installed()?;
        Ok(names(&tree).filter(|name| !installed.contains(*name)).map(str::to_owned).collect())
    }

    /// Downloads packages and unpacks them into a directory.
    pub(crate) fn fetch(&self, packages: &[String], downloads: &Path, root: &Path) -> Result<()> {
        fs::create_dir_all(downloads)?;
        let mut step = Step::begin(format!("{} packages of Debian", packages.len()));
        let mut download = self.command("apt-get", &["download"]);
        download.current_dir(downloads).args(packages);
        process::run(&mut step, download)?;

        let mut bytes = 0;
        let mut archives = 0;
        for archive in fs::read_dir(downloads)? {
            let archive = archive?;
            bytes += archive.metadata()?.len();
            archives += 1;
            let mut unpack = Command::new("dpkg");
            unpack.arg("--extract").arg(archive.path()).arg(root);
            process::run(&mut step, unpack)?;
        }
        ensure!(archives == packages.len(), "apt-get downloaded {archives} of {} packages", packages.len());
        step.done(&format!("{} MB downloaded and unpacked", bytes / 1_000_000));
        Ok(())
    }

    fn command(&self, tool: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(tool);
        command.env("LC_ALL", "C").arg("--config-file").arg(&self.configuration).args(arguments);
        command
    }
}

fn installed() -> Result<HashSet<String>> {
    let mut command = Command::new("dpkg-query");
    command.args(["--show", "--showformat", "${db:Status-Status} ${Package}\\n"]);
    let packages = process::query(command)?;
    Ok(packages.lines().filter_map(|line| line.strip_prefix("installed ")).map(str::to_owned).collect())
}

/// The packages in the answer of `apt-cache depends`: lines that are not indented, of which `<name>`
/// stands for a package that exists only in the declarations of others.
fn names(tree: &str) -> impl Iterator<Item = &str> {
    tree.lines().filter(|line| !line.is_empty() && !line.starts_with([' ', '<', '|']))
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn reads_the_packages_of_a_tree_of_dependencies() {
        let tree = "libstd-rust-web-dev\n  Depends: libstd-rust-web-1.96\nlibstd-rust-web-1.96\n  \
                    Depends: libc6\n    libc6-i386\n |Depends: debconf\n<libc-dev>\nlibc6\n";
        assert_eq!(names(tree).collect::<Vec<_>>(), ["libstd-rust-web-dev", "libstd-rust-web-1.96", "libc6"]);
    }
}
