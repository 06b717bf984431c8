import Foundation

extension TemporaryDirectory {
    /// Runs `gatehouse certs` for the site file in this folder; a gateway that was started here is told of what changes.
    ///
    /// - Parameter prefix: a program with its arguments that runs the command.
    func certs(_ arguments: [String], under prefix: [String] = []) throws -> ToolResult {
        let words = try words(of: arguments, under: prefix)
        return try run(words[0], Array(words.dropFirst()), in: self)
    }

    /// Starts the same, and does not wait for its end.
    func beginCerts(_ arguments: [String], under prefix: [String] = [], name: String) throws -> ChildProcess {
        let words = try words(of: arguments, under: prefix)
        return try ChildProcess(words[0], Array(words.dropFirst()), in: self, name: name)
    }

    private func words(of arguments: [String], under prefix: [String]) throws -> [String] {
        prefix + [try Gateway.binary, "certs"] + arguments
            + ["--site", path("site.yaml"), "--socket", path("admin.sock")]
    }

    /// The entries of `gatehouse certs list --json`, and all that the command said.
    ///
    /// - Parameter names: of the certificates that are listed; empty for all, and the store.
    func listed(_ names: [String] = []) throws -> (entries: [[String: Any]], result: ToolResult) {
        let result = try certs(["list", "--json"] + names)
        let entries = try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [[String: Any]]
        return (entries ?? [], result)
    }

    /// Makes `program`, for `deploy` of a site file in this folder.
    ///
    /// - Parameter script: run by sh in this folder.
    func writeProgram(_ script: String) throws {
        try write("#!/bin/sh\ncd \"$(dirname \"$0\")\" || exit\n\(script)\n", to: "program")
        try setMode(0o700, of: "program")
    }

    /// What a client of foobar.test gets that trusts the root of the internal CA in this folder's store: an app server's answer,
    /// or what curl says is wrong.
    func answer(at port: UInt16) throws -> String {
        let said = try run(
            "curl",
            [
                "-sS", "--noproxy", "*", "--cacert", path("store/internal-ca-root/1/fullchain.pem"),
                "--resolve", "foobar.test:\(port):127.0.0.1", "https://foobar.test:\(port)/",
            ],
            in: self
        )
        return said.output + said.error
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
