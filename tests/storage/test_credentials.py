from pomona.storage.credentials import list_credentials


def test_list_credentials_gives_names_and_no_secrets(tmp_path):
    environment = {
        "AWS_PROFILE": "orchard",
        "AWS_SECRET_ACCESS_KEY": "hush",
        "AZURE_STORAGE_CONNECTION_STRING": "hush",
        "AZURE_CLIENT_ID": "",
        "GOOGLE_APPLICATION_CREDENTIALS": "/hush.json",
        "PATH": "/bin",
    }
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "credentials").write_text("aws_secret_access_key = hush")
    listed = list_credentials(environment, tmp_path)
    assert listed == {
        "AWS": ["AWS_PROFILE=orchard", "AWS_SECRET_ACCESS_KEY", "~/.aws/credentials"],
        "Azure": ["AZURE_STORAGE_CONNECTION_STRING"],
        "Google": ["GOOGLE_APPLICATION_CREDENTIALS"],
    }
    assert "hush" not in str(listed)


def test_list_credentials_reads_the_environment_of_now(monkeypatch, tmp_path):
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "orchard")
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    assert list_credentials(home=tmp_path)["Google"] == ["GOOGLE_CLOUD_PROJECT=orchard"]
