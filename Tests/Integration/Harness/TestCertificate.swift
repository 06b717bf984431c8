/// A self-signed certificate with its key, made by `openssl req`, with the authority that clients trust being itself.
struct TestCertificate {
    let name: String
    let names: [String]
    let certificatePath: String
    let keyPath: String

    enum Key: String { case ecdsa, rsa }

    /// - Parameter names: DNS names; the first is also the common name.
    init(_ name: String, names: [String], key: Key = .ecdsa, in directory: TemporaryDirectory) throws {
        self.name = name
        self.names = names
        let stem = directory.uniqueName(name)
        certificatePath = directory.path("\(stem).crt")
        keyPath = directory.path("\(stem).key")
        let kind =
            key == .ecdsa ? ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"] : ["-newkey", "rsa:2048"]
        let result = try run(
            "openssl",
            ["req", "-x509", "-nodes", "-days", "30", "-subj", "/CN=\(names[0])"] + kind + [
                "-addext", "subjectAltName=" + names.map { "DNS:\($0)" }.joined(separator: ","),
                "-keyout", keyPath, "-out", certificatePath,
            ],
            in: directory
        )
        guard result.status == 0 else { throw HarnessError("openssl req: \(result.error)") }
    }
}
