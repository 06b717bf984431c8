import Foundation
import Testing

/// Certificates that change while the gateway serves.
@Suite("Certificates that are rotated while the gateway serves", .patient)
struct CertificateRotationTests: OneCertificate {
    let scene: OneCertificateScene

    init() throws { scene = try OneCertificateScene() }

    @Test("rotate and rollback are served at once, and a connection that is open goes on")
    func rotates() throws {
        let site = try start("issuer: internal")
        let first = try shown
        #expect(try first == stored)
        // A request before each change and after the last, on one connection.
        let open = try ChildProcess(
            "/usr/bin/python3",
            ["-c", Self.keepAlive, "\(port)", directory.path("go")],
            in: directory,
            name: "client"
        )
        try eventually("the client has its first answer") { open.standardOutput.contains("1 app-01") }
        let rotated = try certs("rotate", "web", "--reason", "a test")
        #expect(rotated.status == 0 && rotated.output.contains("the gateway serves it"), "\(rotated)")
        #expect(rotated.output.contains(" ms after it was written, "), "\(rotated)")
        let second = try shown
        #expect(try second != first && second == stored)
        let back = try certs("rollback", "web", "--reason", "clients broke")
        #expect(back.status == 0, "\(back)")
        #expect(try shown == first)
        let list = try certs("list")
        #expect(list.status == 0 && list.output.contains("; no other before 20"), "\(list)")
        #expect(list.output.contains(": it was gone back from: clients broke; "), "\(list)")
        try directory.write("", to: "go")
        #expect(try open.wait() == 0, "\(open.standardError)")
        #expect(open.standardOutput == "1 app-01\n2 app-01\n")
        #expect(site.log.contains("certificate web: served, as a handshake showed"), "\(site.log)")
        let history = try certs("audit")
        #expect(history.status == 0 && history.output.contains("rolled-back") && history.output.contains(": a test\n"))
    }

    private static let keepAlive = """
        import http.client, os, socket, ssl, sys, time
        context = ssl.create_default_context(); context.check_hostname = False; context.verify_mode = ssl.CERT_NONE
        client = http.client.HTTPConnection("127.0.0.1", timeout=120)
        plain = socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=120)
        client.sock = context.wrap_socket(plain, server_hostname="foobar.test")
        def ask(number):
            client.request("GET", "/", headers={"Host": "foobar.test"})
            print(number, client.getresponse().read().decode(), flush=True)
        ask(1)
        first = client.sock
        end = time.monotonic() + 120
        while not os.path.exists(sys.argv[2]):
            if time.monotonic() > end: sys.exit("nobody told it to go on")
            time.sleep(0.01)
        ask(2)
        assert client.sock is first, "another connection was made"
        """

    @Test("with a site file that the gateway has not read nothing is made, and the way back is open")
    func unread() throws {
        let site = try start("issuer: internal")
        #expect(try certs("rotate", "web").status == 0)
        let before = try shown
        let path = directory.path("site.yaml")
        let text = try String(contentsOfFile: path, encoding: .utf8)
        try text.replacing("issuer: internal", with: "issuer: internal, key: rsa-2048")
            .write(toFile: path, atomically: true, encoding: .utf8)
        for command in [["rotate", "web"], ["issue", "web"], ["renew"]] {
            let refused = try directory.certs(command)
            #expect(refused.status == 1 && refused.error.contains("`gatehouse reload` first"), "\(command): \(refused)")
        }
        #expect(try shown == before && stored == before)
        let back = try certs("rollback", "web")
        #expect(back.status == 0, "\(back)")
        let known = try shown
        #expect(try known != before && known == stored)
        // What is there by the file of before rests; the next file ends that.
        #expect(try site.command("reload").status == 0)
        #expect(try shown != known && shown == stored)
        let rotated = try certs("rotate", "web")
        #expect(rotated.status == 0 && rotated.output.contains("the gateway serves it"), "\(rotated)")
    }

    @Test("a reload that cannot listen makes nothing in the store, and leaves the way back as it was")
    func takenPort() throws {
        let site = try start("issuer: internal")
        #expect(try certs("rotate", "web").status == 0)
        let before = try shown
        let path = directory.path("site.yaml")
        let text = try String(contentsOfFile: path, encoding: .utf8)
        let listeners = "listen: [ { address: 127.0.0.1, port: \(scene.app.port), redirect: https }, {"
        try text.replacing("names: [foobar.test]", with: "names: [foobar.test, www.foobar.test]")
            .replacing("listen: [ {", with: listeners)
            .write(toFile: path, atomically: true, encoding: .utf8)
        let refused = try site.command("reload")
        #expect(refused.status == 3 && refused.error.contains("\(scene.app.port)"), "\(refused) \(site.log)")
        #expect(!FileManager.default.fileExists(atPath: directory.path("store/web/3")), "\(site.log)")
        #expect(try shown == before)
    }

    @Test("retire says who still has the old certificate; its key is in no memory, and no ticket of before is taken")
    func retires() throws {
        let site = try start("issuer: internal")
        let ticket = directory.path("ticket")
        let first = try TLSSession(port: port, ["-sess_out", ticket], in: directory)
        #expect(first.succeeded)
        #expect(try TLSSession(port: port, ["-sess_in", ticket], in: directory).isResumed)
        let open = try ChildProcess(
            "/usr/bin/python3",
            ["-c", Self.keepAlive, "\(port)", directory.path("go")],
            in: directory,
            name: "client"
        )
        try eventually("the client has its first answer", within: .seconds(120)) {
            open.standardOutput.contains("1 app-01")
        }
        let old = try shown
        try FileManager.default.copyItem(atPath: directory.path("store/web/1/key.pem"), toPath: directory.path("old"))
        func holders() throws -> String {
            let processes = ([site.process.identifier] + site.process.children).map(String.init)
            let arguments = ["-c", Self.search, directory.path("old")] + processes
            return try run("/usr/bin/python3", arguments, in: directory).output
        }
        if geteuid() == 0 { #expect(try holders().contains("found"), "the search finds what is there") }
        #expect(try certs("rotate", "web").status == 0)
        let retired = try certs("retire", "web", "--compromised", "--reason", "a test")
        #expect(retired.status == 0, "\(retired)")
        #expect(retired.output.contains("deleted the key of generation 1"), "\(retired)")
        #expect(
            retired.output.contains("\(old.prefix(16))…: its key is gone from the gateway's memory; 1 connections"),
            "\(retired)"
        )
        if geteuid() == 0 { #expect(try holders() == "") }
        let late = try TLSSession(port: port, ["-sess_in", ticket], in: directory)
        #expect(late.succeeded && !late.isResumed, "\(late.text)")
        #expect(try certs("audit").output.contains("compromised: a test"))
        try directory.write("", to: "go")
        #expect(try open.wait() == 0, "\(open.standardError)")
        try eventually("the last connection has ended", within: .seconds(120)) {
            let again = try certs("retire", "web").output
            return again.contains("0 connections that began with it are open; the last one that ended did at")
        }
        let list = try certs("list")
        #expect(list.status == 0 && list.output.contains("tries remain; served"), "\(list)")
        try expectNoKeyIsTold(site)
        // Of the three that were ever shown before, the one whose key was deleted just now is told.
        for _ in 0..<2 { #expect(try certs("rotate", "web").status == 0) }
        let last = try certs("retire", "web")
        #expect(last.output.components(separatedBy: "connections that began with it").count == 2, "\(last)")
    }

    /// Neither the log nor the history nor a command's document has a line of a key in it.
    private func expectNoKeyIsTold(_ site: RunningSite) throws {
        let keys = try [directory.path("old"), directory.path("store/web/2/key.pem")].map {
            try String(contentsOfFile: $0, encoding: .utf8).split(separator: "\n").filter { !$0.hasPrefix("-") }
        }
        #expect(keys.allSatisfy { $0.count > 1 })
        var told = [site.log, try String(contentsOfFile: directory.path("store/audit.log"), encoding: .utf8)]
        for command in [["list"], ["list", "--json"], ["verify", "--json"], ["audit", "--json"]] {
            let said = try directory.certs(command)
            told.append(said.output + said.error)
        }
        for text in told {
            #expect(!text.isEmpty)
            for line in keys.joined() { #expect(!text.contains(line)) }
        }
    }

    /// The processes whose memory holds bytes, forwards or backwards, as OpenSSL has its numbers.
    private static let search = """
        import re, subprocess, sys
        text = subprocess.run(["openssl", "pkey", "-in", sys.argv[1], "-noout", "-text"], capture_output=True, text=True)
        digits = re.search(r"priv:([0-9a-f:\\s]+)pub:", text.stdout)[1]
        secret = bytes.fromhex(re.sub(r"[^0-9a-f]", "", digits))[-32:]
        for process in sys.argv[2:]:
            with open(f"/proc/{process}/maps") as maps, open(f"/proc/{process}/mem", "rb", 0) as memory:
                for line in maps:
                    begin, end, rights = re.match(r"(\\w+)-(\\w+) (\\S+)", line).groups()
                    if not rights.startswith("rw"): continue
                    try:
                        memory.seek(int(begin, 16)); held = memory.read(int(end, 16) - int(begin, 16))
                    except (OSError, ValueError, OverflowError): continue
                    if secret in held or secret[::-1] in held: print("found in", process, line.strip())
        """

    @Test("a file that is gone is said, and what it held is served on", arguments: ["live.crt", "live.key"])
    func goneFile(file: String) throws {
        let one = try TestCertificate("one", names: ["foobar.test"], in: directory)
        let other = try TestCertificate("other", names: ["foobar.test"], in: directory)
        func put(_ certificate: TestCertificate) throws {
            for (from, to) in [(certificate.certificatePath, "live.crt"), (certificate.keyPath, "live.key")] {
                #expect(try run("cp", [from, directory.path(to)], in: directory).status == 0)
            }
        }
        try put(one)
        let site = try start("issuer: { files: { certificate: live.crt, key: live.key } }")
        let first = try shown
        try FileManager.default.removeItem(atPath: directory.path(file))
        let words = "\(directory.path(file)): "
        try eventually("it is said; \(site.log)", within: .seconds(120)) { site.log.contains(words) }
        #expect(try shown == first)
        let listed = try certs("list")
        #expect(listed.status == 1 && listed.output.contains(file), "\(listed)")
        let refused = try site.command("reload")
        #expect(refused.status != 0 && refused.error.contains(words), "\(refused)")
        #expect(try shown == first)
        try put(other)
        try eventually("the other is served; \(site.log)", within: .seconds(120)) { try shown != first }
    }

    @Test("a generation that is gone is said, and served on")
    func goneGeneration() throws {
        let one = try TestCertificate("one", names: ["foobar.test"], in: directory)
        let other = try TestCertificate("other", names: ["foobar.test"], in: directory)
        // A CA that nobody ever hears: all certificates are brought.
        let site = try start("issuer: { acme: \"https://127.0.0.1:1/directory\" }")
        let brought = try certs("import", "web", "--certificate", one.certificatePath, "--key", one.keyPath)
        #expect(brought.status == 0, "\(brought)")
        let first = try shown
        try FileManager.default.removeItem(atPath: directory.path("store/web/current"))
        try eventually("it is said; \(site.log)", within: .seconds(120)) {
            try certs("list").status == 1 && site.log.contains(directory.path("store/web"))
        }
        #expect(try shown == first)
        _ = try site.command("reload")
        #expect(try shown == first, "\(site.log)")
        let again = try certs("import", "web", "--certificate", other.certificatePath, "--key", other.keyPath)
        #expect(again.status == 0, "\(again)")
        #expect(try shown != first)
    }

    @Test("files that somebody else replaces are noticed; half of a pair is not served, and said")
    func noticesFiles() throws {
        let one = try TestCertificate("one", names: ["foobar.test"], in: directory)
        let other = try TestCertificate("other", names: ["foobar.test"], in: directory)
        for (from, to) in [(one.certificatePath, "live.crt"), (one.keyPath, "live.key")] {
            try FileManager.default.copyItem(atPath: from, toPath: directory.path(to))
        }
        let site = try start("issuer: { files: { certificate: live.crt, key: live.key } }")
        let first = try shown
        // `mv`, as deploy scripts do.
        #expect(try run("cp", [other.certificatePath, directory.path("new")], in: directory).status == 0)
        #expect(try run("mv", [directory.path("new"), directory.path("live.crt")], in: directory).status == 0)
        try eventually("the half is refused", within: .seconds(120)) {
            site.log.contains("the private key does not belong to the certificate")
        }
        #expect(try shown == first)
        #expect(try run("cp", [other.keyPath, directory.path("live.key")], in: directory).status == 0)
        try eventually("the whole is served", within: .seconds(120)) { try shown != first }
        try eventually("the gateway has looked", within: .seconds(60)) {
            site.log.contains("certificate web: served, as a handshake showed")
        }
    }
}
