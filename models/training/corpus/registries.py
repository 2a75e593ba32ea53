"""Packages of npm and of Debian through their own clients: downloaded several at a time, unpacked, their licences read."""
import json
import os
import subprocess

from corpus import licences


def run(*command, cwd):
    return subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True, timeout=900).stdout


def download(packages, folder):
    """{package: path of its archive} of "npm:NAME" or "debian:NAME", one kind at a time. What could not be had is missing.
    Raises OSError where the client cannot be started."""
    if not packages:
        return {}
    kind, names = packages[0].split(":", 1)[0], [package.split(":", 1)[1] for package in packages]
    try:
        if kind == "npm":
            packed = json.loads(run("npm", "pack", "--json", "--ignore-scripts", *names, cwd=folder))
            found = {entry["name"]: entry["filename"].replace("@", "").replace("/", "-") for entry in packed}
        else:
            run("apt-get", "download", "-q", *names, cwd=folder)
            found = {entry.split("_")[0]: entry for entry in os.listdir(folder) if entry.endswith(".deb")}
    except (subprocess.SubprocessError, ValueError):
        if len(packages) == 1:
            return {}
        return {package: path for single in packages for package, path in download([single], folder).items()}
    return {f"{kind}:{name}": os.path.join(folder, found[name]) for name in names if name in found}


def unpack(package, archive, folder):
    """Unpacks an archive into `folder`, which it makes. Returns (root folder, version, licence or "", permits(path))."""
    kind, name = package.split(":", 1)
    os.makedirs(folder)
    if kind == "npm":
        run("tar", "-xzf", archive, "--no-same-owner", cwd=folder)
        root = next(entry.path for entry in os.scandir(folder) if entry.is_dir())
        with open(os.path.join(root, "package.json"), encoding="utf8") as file:
            own = json.load(file)
        stated = own.get("license", "")
        licence = stated if isinstance(stated, str) and licences.allows(stated) else ""
        return root, own.get("version", ""), licence, lambda path: bool(licence)
    run("dpkg-deb", "-x", archive, folder, cwd=os.path.dirname(folder))
    statement = os.path.join(folder, "usr/share/doc", name, "copyright")
    text = open(statement, encoding="utf8", errors="replace").read() if os.path.isfile(statement) else ""
    parsed = licences.DebianCopyright(text)
    return folder, os.path.basename(archive).split("_")[1].replace("%3a", ":"), parsed.licence, parsed.permits
