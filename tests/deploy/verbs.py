"""deploy.sh: what it asks for first, what it calls in which order, what it refuses. Terraform and Ansible are stand-ins that note how
they were called; tests/deploy/hosts has the real ones."""

import json
import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OUTPUTS = {
    "urls": {"value": {service: f"https://door.example:{port}" for service, port in (("api", 9999), ("sources", 9998), ("ml", 9997))}},
    "lake": {"value": "s3://lake-1/tables"},
    "region": {"value": "eu-west-3"},
    "database": {"value": {"host": "database.lakehouse.internal", "secret_arn": None}},
    "connection": {"value": "aws_ssm"},
    "machines": {"value": {"single": {"id": "i-1", "address": "10.20.128.9", "name": "single.lakehouse.internal",
                                      "tasks": ["api", "sources", "ml", "scheduler", "monitoring"], "is_database": False}}},
}
NOTES = '#!/bin/sh\nprintf "%s %s\\n" "{name}" "$*" >>"$CALLS"\n[ ! -e "$FAILS/{name}-$1" ] || exit 1\n'


class Verbs(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        self.clone = self.folder / "clone"
        for path in ("deploy.sh", "scripts/secrets", "ansible/inventories/terraform.py"):
            (self.clone / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / path, self.clone / path)
        (self.clone / "infra").mkdir()
        shutil.copy(ROOT / "infra/terraform.tfvars.example", self.clone / "infra/terraform.tfvars")
        shutil.copy(ROOT / "infra/backend.hcl.example", self.clone / "infra/backend.hcl")
        self.programs = self.folder / "programs"
        self.programs.mkdir()
        (self.folder / "outputs.json").write_text(json.dumps(OUTPUTS))
        self.stand_in("terraform", '[ "$2" != output ] || cat "$OUTPUTS"\ncase "$*" in *-out=*) : >.deploy/machines.tfplan ;; esac\n')
        self.stand_in("ansible-playbook")
        self.stand_in("ansible-inventory", '"$2" --list\n')
        for program in ("python3", "openssl", "zstd", "tar", "bash", "sh", "env", "sed", "cat", "mkdir", "mv", "rm", "basename", "dirname",
                        "readlink", "realpath", "find", "sort", "tail", "cut", "tr", "chmod", "head", "install"):
            (self.programs / program).symlink_to(shutil.which(program))
        self.archive("1.0")

    def stand_in(self, name, more=""):
        (self.programs / name).write_text(NOTES.format(name=name) + more)
        (self.programs / name).chmod(0o755)

    def archive(self, release):
        whole = f"lakehouse-{release}-x86_64-linux"
        command = self.folder / whole / "bin/lakehouse"
        command.parent.mkdir(parents=True)
        command.write_text(NOTES.format(name="lakehouse"))
        command.chmod(0o755)
        (self.clone / "dist").mkdir(exist_ok=True)
        file = self.clone / f"dist/{whole}.tar.zst"
        subprocess.run(["tar", "--create", "--zstd", "--file", file, "--directory", self.folder, whole], check=True)
        return file

    def deploy(self, *arguments, code=0, **settings):
        calls = self.folder / "calls"
        calls.write_text("")
        environment = {"PATH": str(self.programs), "HOME": str(self.folder), "CALLS": str(calls), "FAILS": str(self.folder),
                       "OUTPUTS": str(self.folder / "outputs.json"), **settings}
        ran = subprocess.run([self.clone / "deploy.sh", *arguments], env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        self.assertEqual(ran.returncode, code, ran.stdout + ran.stderr)
        self.said = ran.stdout + ran.stderr
        return [line.split()[:3] for line in calls.read_text().splitlines()], calls.read_text()

    def test_nothing_is_done_without_tools_settings_and_a_verb(self):
        for arguments in ((), ("nothing",), ("plan", "more"), ("upgrade",), ("destroy", "--yes")):
            self.assertEqual(self.deploy(*arguments, code=2)[0], [], arguments)
        (self.programs / "terraform").rename(self.folder / "terraform")
        (self.programs / "ansible-playbook").rename(self.folder / "playbook")
        self.deploy("apply", code=1)
        self.assertIn("missing: ansible-playbook (pip install ansible-core); terraform or tofu", self.said)
        (self.folder / "terraform").rename(self.programs / "tofu")
        (self.folder / "playbook").rename(self.programs / "ansible-playbook")
        (self.clone / "infra/terraform.tfvars").unlink()
        self.assertEqual(self.deploy("apply", code=1)[0], [])
        self.assertIn("copy infra/terraform.tfvars.example", self.said)

    def test_apply_makes_machines_then_hosts_then_proves_it(self):
        calls, text = self.deploy("apply")
        self.assertEqual([" ".join(call[:1] + call[2:3]) if call[0] == "terraform" else call[0] for call in calls],
                         ["terraform init", "terraform apply", "terraform output", "ansible-playbook", "ansible-inventory", "lakehouse"])
        self.assertIn("ansible/site.yml", text)
        self.assertIn("lakehouse_release=1.0", text)
        self.assertIn("smoke --api https://door.example:9999 --sources https://door.example:9998 --ml https://door.example:9997", text)
        self.assertIn("--key-file secrets/keys/single", text)
        self.assertTrue((self.clone / "secrets/operator_password").exists())

    def test_what_was_planned_is_what_is_applied_once(self):
        self.deploy("plan")
        _, text = self.deploy("apply")
        self.assertIn("apply -input=false ../.deploy/machines.tfplan", text)
        _, text = self.deploy("apply")
        self.assertNotIn("machines.tfplan", text)

    def test_plan_changes_nothing(self):
        self.deploy("apply")
        _, text = self.deploy("plan")
        self.assertRegex(text, r"ansible-playbook .*--check --diff")
        self.assertNotIn(" apply", text)
        self.assertNotIn("smoke", text)

    def test_an_apply_that_broke_off_is_gone_on_with(self):
        (self.folder / "ansible-playbook--i").touch()
        self.deploy("apply", code=1)
        self.assertFalse((self.clone / ".deploy/release").exists())
        secret = (self.clone / "secrets/operator_password").read_text()
        (self.folder / "ansible-playbook--i").unlink()
        self.deploy("apply")
        self.assertEqual((self.clone / ".deploy/release").read_text(), "1.0\n")
        self.assertEqual((self.clone / "secrets/operator_password").read_text(), secret)

    def test_upgrade_and_rollback(self):
        self.deploy("rollback", code=1)
        self.assertIn("no release before this one", self.said)
        self.deploy("apply")
        newer = self.archive("1.1")
        _, text = self.deploy("upgrade", str(newer))
        self.assertIn("ansible/upgrade.yml", text)
        self.assertIn("lakehouse_release=1.1", text)
        _, text = self.deploy("rollback")
        self.assertIn("lakehouse_release=1.0", text)
        self.assertNotIn("lakehouse_archive", text)
        self.deploy("status")
        self.assertIn("release    1.0", self.said)

    def test_an_upgrade_that_fails_is_not_noted(self):
        self.deploy("apply")
        (self.folder / "ansible-playbook--i").touch()
        self.deploy("upgrade", str(self.archive("1.1")), code=1)
        self.assertEqual((self.clone / ".deploy/release").read_text(), "1.0\n")

    def test_destroy_shows_and_needs_the_name(self):
        calls, text = self.deploy("destroy")
        self.assertIn("plan -destroy", text)
        self.assertNotIn("auto-approve", text)
        _, text = self.deploy("destroy", "--yes", "something", code=1)
        self.assertNotIn("auto-approve", text)
        _, text = self.deploy("destroy", "--yes", "lakehouse-example")
        self.assertIn("destroy -input=false -auto-approve", text)

    def test_hosts_of_your_own_need_no_terraform(self):
        inventory = self.folder / "inventory"
        inventory.write_text("#!/bin/sh\necho '" + json.dumps({"_meta": {"hostvars": {"a": {"ansible_host": "192.0.2.7", "lakehouse_tasks": ["api", "sources"]}, "b": {"lakehouse_tasks": ["ml"]}}}}) + "'\n")
        inventory.chmod(0o755)
        calls, text = self.deploy("apply", DEPLOY_INVENTORY=str(inventory), DEPLOY_NEW="1")
        self.assertNotIn("terraform", text)
        self.assertIn("--api https://192.0.2.7:19999 --sources https://192.0.2.7:19998 --ml https://b:19997 --new", text)
        self.deploy("destroy", code=1, DEPLOY_INVENTORY=str(inventory))
        self.deploy("status", code=1, DEPLOY_INVENTORY="/nowhere")

    def test_the_inventory_is_what_terraform_put_out(self):
        said = subprocess.check_output([self.clone / "ansible/inventories/terraform.py", "--list"], text=True,
                                       env={**os.environ, "DEPLOY_OUTPUTS": str(self.folder / "outputs.json")})
        listed = json.loads(said)
        self.assertEqual(listed["scheduler"], {"hosts": ["single"]})
        host = listed["_meta"]["hostvars"]["single"]
        self.assertEqual((host["ansible_host"], host["ansible_aws_ssm_bucket_name"]), ("i-1", "lake-1"))


if __name__ == "__main__":
    unittest.main()
