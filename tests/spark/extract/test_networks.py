import numpy as np
import pyarrow.dataset as ds
import pytest
from picture_files import encode, make_pixels
from tiny_networks import write_network, write_spec

import pomona
from pomona.backbones import load_backbone, resolve_backbone
from pomona.backbones.engines import CUDA_ENGINE
from pomona.backbones.making.own import add_network
from pomona.errors import SetupError
from pomona.features.batch import prepare_pixels
from pomona.settings import DecodeLimits, ExtractSettings
from pomona.spark.extract.images import extract_images
from pomona.spark.extract.networks import SharedBackbone, choose_engine, open_shared, share_backbone


@pytest.fixture
def cache(tmp_path):
    folder = tmp_path / "50% #1 é cache"
    spec = write_spec(tmp_path / "a.toml")
    add_network("tiny", write_network(tmp_path / "a.onnx"), spec, cache=folder)
    return folder


def _share(spark, cache):
    resolved = resolve_backbone(ExtractSettings(backbone="tiny", cache=cache))
    return share_backbone(spark, resolved, engine="openvino")


def test_workers_get_the_network_from_spark(spark, cache, tmp_path):
    settings = ExtractSettings(backbone="tiny", pooling="flatten", resize="crop", cache=cache)
    (tmp_path / "0.jpg").write_bytes(data := encode(make_pixels(0)))
    table = spark.createDataFrame([(str(tmp_path / "0.jpg"),)], "path string")
    found = extract_images(table, settings=settings)
    backbone = load_backbone("tiny", pooling="flatten", resize="crop", cache=cache)
    pixels = prepare_pixels(data, "", spec=backbone.spec, limits=DecodeLimits()).pixels
    assert (np.float32(found.first().features) == backbone.engine(pixels[None])[0]).all()
    assert found.schema["features"].metadata["fingerprint"] == backbone.spec.fingerprint()


def test_open_shared_refuses_a_file_that_changed_on_its_way(spark, cache, monkeypatch, tmp_path):
    shared = _share(spark, cache)
    (tmp_path / "x.onnx").write_bytes(b"half")
    monkeypatch.setattr("pyspark.SparkFiles.get", lambda name: str(tmp_path / "x.onnx"))
    with pytest.raises(SetupError, match="arrived damaged or not at all"):
        open_shared(shared, None)


def test_a_worker_opens_a_network_once(spark, cache):
    shared = _share(spark, cache)
    assert open_shared(shared, None) is open_shared(shared, None)


def test_run_writes_the_fingerprint_of_weights_and_variant(spark, cache, photos, tmp_path):
    seen = []
    for i, (pooling, weight) in enumerate([("avg", 2.0), ("flatten", 2.0), ("avg", 3.0)]):
        model = write_network(tmp_path / "a.onnx", weight=weight)
        add_network("tiny", model, tmp_path / "a.toml", cache=cache)
        settings = ExtractSettings(backbone="tiny", pooling=pooling, cache=cache)
        out = tmp_path / f"out{i}"
        record = pomona.extract(pomona.SourceSettings(photos), out, extract_settings=settings)
        stored = ds.dataset(out / "features").schema.metadata.values()
        assert any(record.backbone_fingerprint.encode() in text for text in stored)
        assert record.backbone_spec["pooling"] == pooling
        seen.append(record.backbone_fingerprint)
    assert len(set(seen)) == 3
    # What comes later needs the network no more.
    (cache / "backbones" / "tiny").rename(tmp_path / "gone")
    assert pomona.reduce(out, reduce_settings=pomona.ReduceSettings(2)).n_components == 2


def test_choose_engine_takes_the_gpu_where_tasks_have_one(spark):
    class Session:
        def __init__(self, **conf):
            self.sparkContext = self
            self.getConf = lambda: {key.replace("_", "."): v for key, v in conf.items()}

    assert choose_engine(Session(), "auto") == "openvino"
    assert choose_engine(Session(spark_task_resource_gpu_amount="0.5"), "auto") == CUDA_ENGINE
    assert choose_engine(Session(), "onnxruntime") == "onnxruntime"
    assert choose_engine(spark, "auto") == "openvino"


def test_decoding_ahead_gives_the_same_rows(spark, cache):
    import pyarrow as pa

    from pomona.spark.extract.images import extract_partition

    rows = [
        {"path": f"{i}.jpg", "label": None, "size": None, "content": encode(make_pixels(i))}
        for i in range(40)
    ] + [{"path": "bad.jpg", "label": None, "size": None, "content": b"text"}]
    batch = pa.RecordBatch.from_pylist(rows)
    shared = _share(spark, cache)

    class OnGpu(SharedBackbone):
        on_gpu = True

    plain, ahead = (
        pa.Table.from_batches(extract_partition([batch], settings=ExtractSettings(), shared=one))
        for one in (shared, OnGpu(shared.spec, shared.engine))
    )
    assert plain == ahead
    assert len(plain) == 41
