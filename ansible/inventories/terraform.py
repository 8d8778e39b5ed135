#!/usr/bin/env python3
"""The inventory of a deployment, from what Terraform put out.

    ansible-playbook -i ansible/inventories/terraform.py ansible/site.yml

DEPLOY_OUTPUTS names a file of `terraform output -json`; without it Terraform is asked in infra/.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

INFRA = Path(__file__).resolve().parents[2] / "infra"


def outputs():
    if file := os.environ.get("DEPLOY_OUTPUTS"):
        text = Path(file).read_text()
    else:
        text = subprocess.run(["terraform", f"-chdir={INFRA}", "output", "-json"], check=True, capture_output=True, text=True).stdout
    return {name: output["value"] for name, output in json.loads(text).items()}


def inventory(values):
    groups, hosts = {}, {}
    for name, machine in sorted(values["machines"].items()):
        hosts[name] = {"lakehouse_tasks": machine["tasks"], "lakehouse_address": machine["name"], "lakehouse_is_database": machine["is_database"]}
        if values["connection"] == "aws_ssm":
            hosts[name] |= {
                "ansible_connection": "community.aws.aws_ssm",
                "ansible_host": machine["id"],
                "ansible_aws_ssm_region": values["region"],
                "ansible_aws_ssm_bucket_name": values["lake"].split("/")[2],
            }
        else:
            hosts[name] |= {"ansible_host": machine["address"], "ansible_user": "admin"}
        for task in machine["tasks"]:
            groups.setdefault(task, {"hosts": []})["hosts"].append(name)
    everywhere = {
        "lakehouse_lake": values["lake"],
        "lakehouse_region": values["region"],
        # By the URL in the secrets, which names the host `database` of the private zone.
        "lakehouse_postgresql": True,
    }
    return {"_meta": {"hostvars": hosts}, "all": {"hosts": sorted(hosts), "vars": everywhere}, **groups}


if __name__ == "__main__":
    print(json.dumps({} if sys.argv[1:2] == ["--host"] else inventory(outputs()), indent=2))
