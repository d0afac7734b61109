#!/usr/bin/env python3
"""Runs the endpoint test cases of AWS's models against the client's endpoint tables.

They lie in botocore's source distribution. Cases that need more than region, FIPS, dual stack
and a plain bucket name (account ids, access points, custom endpoints) are counted, not run. usage: check_endpoints.py WIRE_TOOL
"""

import collections
import glob
import json
import os
import sys
import urllib.parse

from wire_tool import ROOT, WireTool, aws_models, source_distribution

PLAIN = {"Region", "UseFIPS", "UseDualStack"}


def extra(params):
    """The parameters that keep a case from being run."""
    more = {k for k, v in params.items() if k not in PLAIN and v not in (False, None)}
    # Access points, S3 Express and object lambdas are not supported, plain buckets are.
    bucket = params.get("Bucket")
    return more - {"Bucket"} if bucket is not None and ":" not in bucket and "-s3" not in bucket else more


def check(tool, service, case):
    params = case["params"]
    variant = (1 if params.get("UseFIPS") else 0) | (2 if params.get("UseDualStack") else 0)
    answer = tool.ask(service=service, region=params["Region"], variant=variant, bucket=params.get("Bucket"))
    expected = case["expect"]
    if "error" in expected:
        return None if "error" in answer else f"{answer} instead of an error"
    if "error" in answer:
        return answer["error"]
    endpoint = expected["endpoint"]
    if answer["url"] != endpoint["url"].rstrip("/"):
        return f"{answer['url']} is not {endpoint['url']}"
    for scheme in endpoint.get("properties", {}).get("authSchemes", [])[:1]:
        if scheme.get("signingName", answer["signing_name"]) != answer["signing_name"]:
            return f"signing name {answer['signing_name']} is not {scheme['signingName']}"
        if scheme.get("signingRegion", answer["signing_region"]) != answer["signing_region"]:
            return f"signing region {answer['signing_region']} is not {scheme['signingRegion']}"
    return None


def main():
    folder, tool = source_distribution(), WireTool(sys.argv[1])
    passed, failed, left_out = 0, 0, collections.Counter()
    for service in aws_models.read_operations(os.path.join(ROOT, "src", "aws", "operations.txt")):
        pattern = os.path.join(folder, "tests", "functional", "endpoint-rules", service, "endpoint-tests-1.json")
        for path in glob.glob(pattern):
            with open(path, encoding="utf-8") as f:
                cases = json.load(f)["testCases"]
            for case in cases:
                params = case.get("params", {})
                more = extra(params)
                if "Region" not in params:
                    more.add("no region")
                if more:
                    left_out[", ".join(sorted(more))] += 1
                    continue
                wrong = check(tool, service, case)
                passed += wrong is None
                failed += wrong is not None
                if wrong:
                    print(f"not ok {service}: {case.get('documentation')} {params}: {wrong}")
    tool.close()
    for reason, count in left_out.most_common():
        print(f"left out: {count} cases with {reason}")
    print(f"{passed} passed, {failed} failed, {sum(left_out.values())} left out")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
