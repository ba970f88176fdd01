// The copy of ONNX Runtime Web that `make web` puts into vendor/; a test holds both to package.json.

export const RUNTIME = { version: "1.30.0", size_bytes: 3_690_000 };
