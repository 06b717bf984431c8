/// A CA that issues clients' certificates and takes them back, by openssl's commands.
struct ClientAuthority {
    struct Client {
        let certificatePath: String
        let keyPath: String

        /// As options of `openssl s_client`.
        var options: [String] { ["-cert", certificatePath, "-key", keyPath] }
    }

    let certificatePath: String
    private let directory: TemporaryDirectory
    private let stem: String

    init(_ name: String, in directory: TemporaryDirectory) throws {
        self.directory = directory
        stem = name
        certificatePath = directory.path("\(name).crt")
        try directory.write("", to: "\(name).index")
        try directory.write(
            """
            [ca]
            default_ca = own
            [own]
            database = \(directory.path("\(name).index"))
            certificate = \(certificatePath)
            private_key = \(directory.path("\(name).key"))
            default_md = sha256
            [changes]
            2.5.29.27 = critical,DER:020101

            """,
            to: "\(name).cnf"
        )
        try openssl(
            ["req", "-x509", "-subj", "/CN=\(name)", "-days", "30", "-out", certificatePath]
                + Self.newKey(directory.path("\(name).key"))
        )
    }

    /// - Parameter subject: as `/CN=alice`; `/` for none.
    func client(_ name: String, subject: String? = nil) throws -> Client {
        let client = Client(
            certificatePath: directory.path("\(name).crt"),
            keyPath: directory.path("\(name).key")
        )
        let request = directory.path("\(name).csr")
        try openssl(
            ["req", "-new", "-subj", subject ?? "/CN=\(name)", "-out", request] + Self.newKey(client.keyPath)
        )
        try openssl([
            "x509", "-req", "-in", request, "-days", "30", "-CA", certificatePath, "-CAkey",
            directory.path("\(stem).key"), "-CAcreateserial", "-out", client.certificatePath,
        ])
        return client
    }

    func revoke(_ client: Client) throws {
        try openssl(["ca", "-config", directory.path("\(stem).cnf"), "-revoke", client.certificatePath])
    }

    /// Writes the list of whom it has revoked. - Parameter options: when it begins and ends, as openssl takes them.
    func writeList(to path: String, _ options: [String] = ["-crldays", "30"]) throws {
        try openssl(["ca", "-config", directory.path("\(stem).cnf"), "-gencrl", "-out", path] + options)
    }

    /// Writes what has changed since its list 1 alone (RFC 5280, section 5.2.4).
    func writeChanges(to path: String) throws {
        try writeList(to: path, ["-crldays", "30", "-crlexts", "changes"])
    }

    private static func newKey(_ path: String) -> [String] {
        ["-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-keyout", path]
    }

    private func openssl(_ arguments: [String]) throws {
        let result = try run("openssl", arguments, in: directory)
        guard result.status == 0 else { throw HarnessError("openssl \(arguments[0]): \(result.error)") }
    }
}
