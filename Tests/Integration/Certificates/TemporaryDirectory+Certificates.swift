extension TemporaryDirectory {
    /// Runs `gatehouse certs` for the site file in this folder; a gateway that was started here is told of what changes.
    ///
    /// - Parameter prefix: a program with its arguments that runs the command.
    func certs(_ arguments: [String], under prefix: [String] = []) throws -> ToolResult {
        let command =
            prefix + [try Gateway.binary, "certs"] + arguments
            + ["--site", path("site.yaml"), "--socket", path("admin.sock")]
        return try run(command[0], Array(command.dropFirst()), in: self)
    }

    /// What `openssl x509` prints of the certificate that a client of foobar.test is shown.
    ///
    /// - Parameter options: what it is to print.
    func shown(at port: UInt16, _ options: String) throws -> String {
        let command =
            "openssl s_client -connect 127.0.0.1:\(port) -servername foobar.test </dev/null 2>/dev/null"
            + " | openssl x509 -noout \(options)"
        return try run("sh", ["-c", command], in: self).output
    }
}
