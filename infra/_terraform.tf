# Versions, and who pays: everything carries the tags of the deployment.

terraform {
  required_version = ">= 1.8"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.0"
    }
  }

  # Where the state is: `terraform init -backend-config=backend.hcl`, made from backend.hcl.example.
  backend "s3" {}
}

provider "aws" {
  region = var.region

  default_tags {
    tags = merge(var.tags, { Deployment = var.name, ManagedBy = "terraform" })
  }
}
