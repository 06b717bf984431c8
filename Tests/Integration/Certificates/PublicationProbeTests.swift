import Foundation
import Testing

/// Handshakes with the gateway's own listeners, after certificates came into force.
@Suite("Certificates that clients do not get after their publication", .patient)
struct PublicationProbeTests: OneCertificate {
    let scene: OneCertificateScene

    init() throws { scene = try OneCertificateScene() }

    @Test("what clients do not get is taken back, in the gateway and in the store")
    func rollsBack() throws {
        let site = try start("issuer: internal")
        defer { withExtendedLifetime(site) {} }
        let first = try stored
        // Somebody else takes the connections to one address of the listener, which is bound to all of them.
        let thief = try startThief(.stranger)
        let rotated = try certs("rotate", "web")
        #expect(rotated.status == 1, "\(rotated)")
        #expect(rotated.error.contains("shows foobar.test another certificate"), "\(rotated)")
        #expect(rotated.error.contains("the one before is served again"), "\(rotated)")
        #expect(try stored == first)
        #expect(try certs("audit").output.contains("rolled-back, generation 1"))
        thief.send(SIGKILL)
        try thief.wait()
        #expect(try shown == first)
    }

    @Test("a handshake that fails once the certificate came is no handshake: what brought it is taken back")
    func rollsBackFailing() throws {
        let site = try start("issuer: internal")
        let first = try stored
        let thief = try startThief(.spoiler)
        let rotated = try certs("rotate", "web")
        #expect(rotated.status == 1, "\(rotated)")
        #expect(rotated.error.contains("fails in a handshake for foobar.test: bad-record"), "\(rotated)")
        #expect(rotated.error.contains("the one before is served again"), "\(rotated)")
        #expect(!site.log.contains("served, as a handshake showed"), "\(site.log)")
        #expect(try stored == first)
        #expect(try certs("audit").output.contains("rolled-back, generation 1"))
        thief.send(SIGKILL)
        try thief.wait()
        #expect(try shown == first)
    }

    @Test("keys of both kinds are looked at, each by a client that takes this kind alone")
    func bothKinds() throws {
        func write(_ name: String) throws {
            for key in [TestCertificate.Key.ecdsa, .rsa] {
                let made = try TestCertificate("\(name)-\(key)", names: ["foobar.test"], key: key, in: directory)
                for (from, to) in [(made.keyPath, "\(key).key"), (made.certificatePath, "\(key).crt")] {
                    try FileManager.default.replace(directory.path(to), by: from)
                }
            }
        }
        try write("one")
        let pairs = ["ecdsa", "rsa"].map { "{ certificate: \($0).crt, key: \($0).key }" }.joined(separator: ", ")
        let site = try start("issuer: { files: [ \(pairs) ] }")
        let first = try shown
        // Clients that take ECDSA get what the gateway shows.
        let thief = try startThief(.strangerToRSA)
        try write("two")
        #expect(try site.command("reload").status == 0)
        #expect(site.log.contains("shows foobar.test another certificate"), "\(site.log)")
        #expect(try shown == first)
        thief.send(SIGKILL)
        try thief.wait()
        try write("three")
        #expect(try site.command("reload").status == 0)
        #expect(try shown != first)
        #expect(site.log.contains("certificate web: served, as a handshake showed"), "\(site.log)")
    }

    @Test("one for addresses alone is looked at by a client that names no host")
    func addresses() throws {
        let site = try RunningSite(siteText("web: { names: [127.0.0.1], issuer: internal }"), in: directory)
        let first = try stored
        #expect(try certs("rotate", "web").status == 0)
        #expect(site.log.contains("certificate web: served, as a handshake showed"), "\(site.log)")
        let second = try stored
        #expect(first != second)
        let thief = try startThief(.stranger)
        let rotated = try certs("rotate", "web")
        #expect(rotated.status == 1, "\(rotated)")
        #expect(rotated.error.contains("shows a client that names no host another certificate"), "\(rotated)")
        #expect(try stored == second)
        thief.send(SIGKILL)
        try thief.wait()
    }

    @Test("what no client gets is said, and not that it is served", arguments: ["[127.0.0.1]", "[foobar.test]"])
    func nobody(names: String) throws {
        let both = "web: { names: [foobar.test], issuer: internal }\n  twin: { names: \(names), issuer: internal }"
        let text = siteText(both, showing: ["web", "twin"]).replacing(", unknown-name: default", with: "")
        let site = try RunningSite(text, in: directory)
        let first = try shown
        let rotated = try certs("rotate", "twin")
        #expect(rotated.status == 0 && !rotated.output.contains("the gateway serves it"), "\(rotated)")
        #expect(rotated.output.contains("certificate twin: in the store, and no client gets it"), "\(rotated)")
        #expect(site.log.contains("certificate twin: no client gets it: "), "\(site.log)")
        #expect(!site.log.contains("certificate twin: served"), "\(site.log)")
        #expect(try shown == first)
        let other = try certs("rotate", "web")
        #expect(other.status == 0 && other.output.contains("the gateway serves it"), "\(other)")
        #expect(try shown != first)
    }

    @Test("one that the gateway's site file does not name yet is said to want a reload")
    func unknown() throws {
        let site = try start("issuer: internal")
        let text = try String(contentsOfFile: directory.path("site.yaml"), encoding: .utf8)
        try directory.write(text + "\n  late: { names: [late.test], issuer: internal }\n", to: "site.yaml")
        let issued = try certs("issue", "late")
        #expect(issued.status == 0 && issued.output.contains("`gatehouse reload`"), "\(issued)")
        #expect(!issued.output.contains("no listener of the gateway shows it"), "\(issued)")
        #expect(try site.command("reload").status == 0)
        #expect(try certs("rotate", "late").output.contains("no listener of the gateway shows it"))
    }

    @Test("of more than a hundred at once, it is said how many are not looked at")
    func many() throws {
        let site = try RunningSite(siteText("web: { names: [foobar.test], issuer: internal }"), in: directory)
        let more = (1...101).map { "c\($0): { names: [c\($0).foobar.test], issuer: internal }" }
        let names = ["web"] + (1...101).map { "c\($0)" }
        let all = ["web: { names: [foobar.test], issuer: internal }"] + more
        try directory.write(siteText(all.joined(separator: "\n  "), showing: names), to: "site.yaml")
        let reloaded = try site.command("reload")
        #expect(reloaded.status == 0, "\(reloaded)")
        let words = "101 certificates came into force at once; handshakes were made for 100 of them"
        #expect(site.log.contains(words), "\(site.log)")
        let looked = site.log.components(separatedBy: ": served, as a handshake showed").count - 1
        #expect(looked == 100)
    }

    @Test("what is stored and not served is said by the list, which ends with 1")
    func storedAlone() throws {
        let site = try start("issuer: internal")
        // Made where the gateway does not hear of it: until it looks, it serves the one before.
        let quiet = ["--site", directory.path("site.yaml"), "--socket", directory.path("nobody.sock")]
        try eventually("the list is asked before the gateway looks; \(site.log)", within: .seconds(120)) {
            let old = try shown
            #expect(try run(try Gateway.binary, ["certs", "rotate", "web"] + quiet, in: directory).status == 0)
            let list = try certs("list")
            let (entries, document) = try directory.listed()
            guard try shown == old else { return false }
            #expect(list.status == 1, "\(list)")
            let words = "AT FAULT: the gateway serves another, \(old.prefix(16))…, and not what is stored"
            #expect(list.output.contains(words), "\(list)")
            let leaves = try #require(entries.first?["certificates"] as? [[String: Any]])
            let served = try #require(entries.first?["served"] as? [String])
            #expect(served == [old] && leaves.first?["fingerprint"] as? String != old, "\(document)")
            return true
        }
        try eventually("it looks, and serves it; \(site.log)", within: .seconds(120)) { try certs("list").status == 0 }
    }

    /// - Parameters:
    ///   - certificates: of the site file.
    ///   - names: those that the listener shows.
    private func siteText(_ certificates: String, showing names: [String] = ["web"]) -> String {
        """
        site: foobar.test
        hosts: { here: { roles: [gateway], addresses: [127.0.0.1/8] } }
        gateway:
          listen: [ { port: \(port), tls: { certificates: [\(names.joined(separator: ", "))], unknown-name: default } } ]
          routes: [ { hosts: ["*"], pool: web } ]
          pools: { web: { servers: [ { address: 127.0.0.1, port: \(scene.app.port) } ] } }
        certificate-store: store
        certificates:
          \(certificates)
        """
    }

    @Test("of two that change at once, the one that clients do not get is taken back alone, and no restart serves it")
    func takesBackAlone() throws {
        let other = try Ports.free()
        let site = try RunningSite(
            """
            site: foobar.test
            hosts: { here: { roles: [gateway], addresses: [127.0.0.1/8] } }
            gateway:
              listen:
                - { port: \(port), tls: { certificates: [web] } }
                - { port: \(other), address: [127.0.0.1], tls: { certificates: [side] } }
              routes: [ { hosts: [foobar.test, side.test], pool: web } ]
              pools: { web: { servers: [ { address: 127.0.0.1, port: \(scene.app.port) } ] } }
            certificate-store: store
            certificates:
              web: { names: [foobar.test], issuer: internal }
              side: { names: [side.test], issuer: internal }
            """,
            in: directory
        )
        let web = try shown
        func shownAside() throws -> String {
            let client = "openssl s_client -connect 127.0.0.1:\(other) -servername side.test </dev/null 2>/dev/null"
            return try run("sh", ["-c", client + " | openssl x509 -noout -fingerprint"], in: directory).output
        }
        let side = try shownAside()
        #expect(side.contains("Fingerprint"), "\(site.log)")
        let thief = try startThief(.stranger)
        // Made where the gateway does not hear of it, so that it finds both when it looks.
        let quiet = ["--site", directory.path("site.yaml"), "--socket", directory.path("nobody.sock")]
        for name in ["web", "side"] {
            #expect(try run(try Gateway.binary, ["certs", "rotate", name] + quiet, in: directory).status == 0)
        }
        try eventually("the gateway serves what it found", within: .seconds(60)) { site.log.contains("renewed") }
        #expect(try shownAside() != side)
        #expect(site.log.contains("the one before is served again"), "\(site.log)")
        #expect(!site.log.contains("certificate web: served, as a handshake showed"), "\(site.log)")
        thief.send(SIGKILL)
        try thief.wait()
        #expect(try shown == web)
        #expect(
            try String(contentsOfFile: directory.path("store/web/current"), encoding: .utf8) == "1 rolled-back\n"
        )
        #expect(try site.command("reload").status == 0)
        #expect(try certs("list").output.contains("web: internal; generation 1; "))
        #expect(try certs("list").output.contains("1 try failed"))
        #expect(try shown == web)
    }

    /// What somebody does to those who connect to 127.0.0.1.
    private enum Thief: String {
        /// Shows them another certificate.
        case stranger
        /// Shows another one to those who take no ECDSA, and passes the others on to the gateway.
        case strangerToRSA
        /// Passes them on to the gateway, and spoils what comes after its certificate.
        case spoiler
    }

    /// From now on.
    private func startThief(_ thief: Thief) throws -> ChildProcess {
        let key: TestCertificate.Key = thief == .strangerToRSA ? .rsa : .ecdsa
        let certificate = try TestCertificate("thief", names: ["foobar.test"], key: key, in: directory)
        let process = try ChildProcess(
            "/usr/bin/python3",
            ["-c", Self.thief, thief.rawValue, "\(port)", certificate.certificatePath, certificate.keyPath],
            in: directory,
            name: "thief"
        )
        try eventually("it listens; \(process.standardError)") { process.standardOutput.contains("listening") }
        return process
    }

    /// Listens beside the gateway, at the more special address, which the kernel prefers.
    private static let thief = """
        import socket, ssl, sys, threading
        kind, port = sys.argv[1], int(sys.argv[2])
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER); context.load_cert_chain(sys.argv[3], sys.argv[4])
        listener = socket.socket(); listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind(("127.0.0.1", port)); listener.listen()
        print("listening", flush=True)
        def number(data): return int.from_bytes(data, "big")
        def takes_ecdsa(hello):
            at = 5 + 4 + 2 + 32
            at += 1 + hello[at]; at += 2 + number(hello[at:at + 2]); at += 1 + hello[at]; at += 2
            while at < len(hello):
                length = number(hello[at + 2:at + 4])
                if number(hello[at:at + 2]) == 13: return b"\\x04\\x03" in hello[at + 4:at + 4 + length]
                at += 4 + length
            return False
        def read(source, count):
            data = b""
            while len(data) < count:
                more = source.recv(count - len(data))
                if not more: raise OSError("it ended")
                data += more
            return data
        def copy(source, sink):
            try:
                while data := source.recv(65536): sink.sendall(data)
            except OSError: pass
        def back(server, client):
            sealed = 0
            try:
                while True:
                    head = read(server, 5); body = bytearray(read(server, number(head[3:5])))
                    sealed += head[0] == 23
                    # EncryptedExtensions, Certificate, CertificateVerify.
                    if kind == "spoiler" and sealed >= 3: body[-1] ^= 1
                    client.sendall(head + body)
            except OSError: client.close()
        def serve(client):
            try:
                hello = client.recv(65536, socket.MSG_PEEK)
                if kind == "stranger" or kind == "strangerToRSA" and not takes_ecdsa(hello):
                    context.wrap_socket(client, server_side=True).close()
                    return
                server = socket.create_connection(("127.0.0.2", port))
                threading.Thread(target=copy, args=(client, server), daemon=True).start()
                back(server, client)
            except OSError: pass
        while True: threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
        """
}

extension FileManager {
    /// Puts a copy of one file in another's place.
    fileprivate func replace(_ path: String, by other: String) throws {
        try? removeItem(atPath: path)
        try copyItem(atPath: other, toPath: path)
    }
}
