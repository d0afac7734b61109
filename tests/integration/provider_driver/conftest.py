import boto3
import pytest

from driver import Driver


@pytest.fixture
def aws(emulator):
    driver = Driver(emulator.url)
    yield driver
    driver.close()


@pytest.fixture
def boto(emulator):
    return lambda service: boto3.client(service, region_name="us-east-1", endpoint_url=emulator.url,
                                        aws_access_key_id="test", aws_secret_access_key="test")
