import Foundation
import Testing

/// A new certificate that a share of the clients is shown first. Clients are curl, each from an address of its own.
@Suite("A canary for certificates", .patient)
struct CanaryTests: OneCertificate {
    let scene: OneCertificateScene

    init() throws { scene = try OneCertificateScene() }

    /// Has so many clients come, from 127.0.0.2 on, and says how many got an answer.
    private func clients(
        _ count: Int,
        trusting root: String,
        asking lists: String = "",
        times: Int = 1,
        of name: String = "foobar.test"
    ) throws -> Int {
        let script = """
            good=0
            for client in $(seq 2 \(count + 1)); do
                for time in $(seq \(times)); do
                    curl --silent --max-time 60 --interface 127.0.0.$client --cacert \(root) \(lists) \
                        --resolve \(name):\(port):127.0.0.1 https://\(name):\(port)/ -o /dev/null && good=$((good + 1))
                done
            done
            echo $good
            """
        let said = try run("sh", ["-c", script], in: directory, within: .seconds(600))
        return try #require(Int(said.output.trimmingCharacters(in: .whitespacesAndNewlines)), "\(said)")
    }

    private func status(_ site: RunningSite) throws -> [String: Any] {
        let said = try site.command("status", "--json")
        return try JSONSerialization.jsonObject(with: Data(said.output.utf8)) as? [String: Any] ?? [:]
    }

    private func trial(_ site: RunningSite) throws -> [String: Any]? {
        (try status(site)["certificate_trials"] as? [[String: Any]])?.first
    }

    private func refusals(_ site: RunningSite, _ which: String) throws -> Int {
        (try trial(site)?[which] as? [String: Any])?["refusals"] as? Int ?? 0
    }

    @Test("clients that have the root take the new one: it is for all, and the audit log says why")
    func promotes() throws {
        let site = try start("issuer: internal, canary: { share: 30%, time: 3s }")
        try directory.write(try certs("ca", "export").output, to: "root.pem")
        let root = directory.path("root.pem")
        let rotated = try certs("rotate", "web")
        #expect(rotated.status == 0 && rotated.output.contains("to 30 % of the clients first"), "\(rotated)")
        let meanwhile = try certs("list")
        #expect(meanwhile.status == 0 && meanwhile.output.contains("served to 30 % of the clients"), "\(meanwhile)")
        #expect(try clients(10, trusting: root) == 10)
        // Clients without the root refuse both, and so say nothing of the new one. They are fewer than any verdict needs:
        // who of them is picked is chance.
        try directory.write("", to: "none.pem")
        let stranger = try TestCertificate("stranger", names: ["foobar.test"], in: directory)
        #expect(try clients(2, trusting: stranger.certificatePath) == 0)
        try eventually("it is for all; \(site.log)", within: .seconds(60)) {
            site.log.contains("certificate web: the new one is for all clients now")
        }
        #expect(!site.log.contains("ROLLED BACK"))
        #expect(try clients(10, trusting: root) == 10)
        let list = try certs("list")
        #expect(list.status == 0 && list.output.contains("generation 2") && list.output.contains("served"), "\(list)")
        let history = try certs("audit", "web").output
        #expect(history.contains("offered, generation 2") && history.contains("promoted, generation 2"), "\(history)")
        #expect(try trial(site) == nil)
        // An operator's way back is for all at once.
        let back = try certs("rollback", "web")
        #expect(back.status == 0 && !back.output.contains("of the clients first"), "\(back)")
        #expect(try trial(site) == nil)
        let after = try certs("list")
        #expect(after.output.contains("generation 1") && after.output.contains("served"), "\(after)")
    }

    @Test("while one is on trial, what the others are shown stays in the store, whatever else comes, and comes back")
    func keepsTheProved() throws {
        let (one, other, third) = (
            try TestCertificate("one", names: ["foobar.test"], in: directory),
            try TestCertificate("other", names: ["foobar.test"], in: directory),
            try TestCertificate("third", names: ["foobar.test"], in: directory)
        )
        // A CA that nobody ever hears: all certificates are brought.
        let site = try start(
            "issuer: { acme: \"https://127.0.0.1:1/dir\" }, canary: { share: 50%, time: 1h }"
        )
        for certificate in [one, other, third] {
            let brought = try certs(
                "import",
                "web",
                "--certificate",
                certificate.certificatePath,
                "--key",
                certificate.keyPath
            )
            #expect(brought.status == 0, "\(brought) \(site.log)")
        }
        #expect(try trial(site) != nil, "\(site.log)")
        for refused in [try certs("retire", "web"), try certs("retire", "web", "--revoke", "superseded")] {
            #expect(refused.status == 1 && refused.error.contains("most clients are shown generation 1"), "\(refused)")
        }
        let good = try clients(40, trusting: one.certificatePath)
        #expect((1..<40).contains(good), "about half of them are shown the new one: \(good)")
        try eventually("it is taken back; \(site.log)", within: .seconds(60)) { site.log.contains("ROLLED BACK") }
        #expect(try clients(20, trusting: one.certificatePath) == 20)
        try eventually("the store follows", within: .seconds(60)) {
            try String(contentsOfFile: directory.path("store/web/current"), encoding: .utf8) == "1 rolled-back\n"
        }
        #expect(try certs("list").output.contains("generation 1"))
        #expect(try site.command("reload", "--site", directory.path("site.yaml")).status == 0)
        #expect(try trial(site) == nil, "\(site.log)")
        let retired = try certs("retire", "web")
        #expect(retired.status == 0 && retired.output.contains("deleted the key of generation 2, 3"), "\(retired)")
    }

    @Test("a key that was stolen ends the trial: the new one is for all, and then the old one is taken back")
    func compromise() throws {
        let site = try start("issuer: internal, canary: { share: 50%, time: 1h }")
        #expect(try certs("rotate", "web").output.contains("to 50 % of the clients first"))
        let retired = try certs("retire", "web", "--compromised", "--revoke", "key-compromise")
        #expect(retired.status == 0 && retired.output.contains("generation 1 is revoked"), "\(retired) \(site.log)")
        #expect(try trial(site) == nil)
        #expect(try certs("list").output.contains("generation 2"))
        // A gateway that ends ends its trials.
        #expect(try certs("rotate", "web").output.contains("to 50 % of the clients first"))
        try site.stop()
        let later = try certs("retire", "web")
        #expect(later.status == 0 && later.output.contains("deleted the key of generation 2"), "\(later)")
    }

    @Test("what the internal CA has taken back is shown to nobody for the length of a trial")
    func takenBack() throws {
        let site = try start("issuer: internal, canary: { share: 10%, time: 1h }")
        try directory.write(try certs("ca", "export").output, to: "root.pem")
        let renewed = try certs("ca", "renew", "--revoke", "key-compromise")
        #expect(renewed.status == 0, "\(renewed)")
        try eventually("it is replaced; \(site.log)", within: .seconds(60)) {
            try certs("list").output.contains("generation 2")
        }
        #expect(try trial(site) == nil, "\(site.log)")
        #expect(site.log.contains("so the new one is for all at once"), "\(site.log)")
        try directory.write(try certs("ca", "crl").output, to: "lists.pem")
        let lists = "--crlfile \(directory.path("lists.pem"))"
        #expect(try clients(10, trusting: directory.path("root.pem"), asking: lists) == 10)
    }

    @Test("once `ca init` has made another root, what the one before vouched for is replaced at once, for all clients")
    func anotherRoot() throws {
        let site = try start("issuer: internal, canary: { share: 10%, time: 1h }")
        for part in ["internal-ca", "internal-ca-root"] {
            try FileManager.default.removeItem(atPath: directory.path("store/\(part)"))
        }
        let made = try certs("ca", "init")
        #expect(made.status == 0 && made.output.contains("the gateway has looked"), "\(made) \(site.log)")
        try directory.write(try certs("ca", "export").output, to: "root.pem")
        try eventually("it is replaced; \(site.log)", within: .seconds(60)) {
            try certs("list").output.contains("generation 2")
        }
        #expect(try trial(site) == nil, "\(site.log)")
        #expect(try clients(10, trusting: directory.path("root.pem")) == 10)
        #expect(try !certs("ca", "init").output.contains("the gateway"), "nothing was made")
    }

    @Test("who shows one for want of its own shows what is on trial to no more clients than that, and then to all")
    func lent() throws {
        let names = ["foobar.test", "api.foobar.test"]
        let one = try TestCertificate("one", names: names, in: directory)
        let other = try TestCertificate("other", names: names, in: directory)
        func put(_ certificate: TestCertificate) throws {
            for (from, to) in [(certificate.certificatePath, "live.crt"), (certificate.keyPath, "live.key")] {
                #expect(try run("cp", [from, directory.path(to)], in: directory).status == 0)
            }
        }
        func text(_ time: String) -> String {
            CertificateSite.text(
                at: port,
                showing: ["api", "web"],
                hosts: "foobar.test, api.foobar.test",
                app: scene.app.port,
                certificates: """
                      api: { names: [api.foobar.test], issuer: { acme: "https://127.0.0.1:1/directory" } }
                      web:
                        names: [foobar.test]
                        issuer: { files: { certificate: live.crt, key: live.key } }
                        canary: { share: 1%, time: \(time) }
                    """
            )
        }
        try put(one)
        let site = try RunningSite(text("1h"), in: directory)
        func good(_ certificate: TestCertificate) throws -> Int {
            try clients(10, trusting: certificate.certificatePath, of: "api.foobar.test")
        }
        #expect(try good(one) == 10, "\(site.log)")
        try put(other)
        #expect(try site.command("reload", "--site", directory.path("site.yaml")).status == 0)
        #expect(try trial(site)?["name"] as? String == "web", "\(site.log)")
        // Of ten one is picked now and then.
        #expect(try good(one) > 5, "\(site.log)")
        try directory.write(text("1s"), to: "site.yaml")
        #expect(try site.command("reload", "--site", directory.path("site.yaml")).status == 0)
        try eventually("it is for all; \(site.log)", within: .seconds(60)) {
            site.log.contains("certificate web: the new one is for all clients now")
        }
        #expect(try good(other) == 10, "\(site.log)")
    }

    @Test("who shows another's without a canary goes over with it at once, and tries its own alone")
    func borrows() throws {
        let names = ["api.foobar.test"]
        let one = try TestCertificate("one", names: names, in: directory)
        let two = try TestCertificate("two", names: names, in: directory)
        func text(_ certificate: TestCertificate) -> String {
            CertificateSite.text(
                at: port,
                showing: ["web", "other"],
                hosts: "foobar.test, api.foobar.test",
                app: scene.app.port,
                certificates: """
                      other: { names: [foobar.test], issuer: internal }
                      web:
                        names: [api.foobar.test, foobar.test]
                        issuer: { files: { certificate: \(certificate.certificatePath), key: \(certificate.keyPath) } }
                        canary: { share: 1%, time: 1h }
                    """
            )
        }
        let site = try RunningSite(text(one), in: directory)
        func stored() throws -> String? {
            let leaves = try directory.listed(["other"]).entries.first?["certificates"] as? [[String: Any]]
            return leaves?.first?["fingerprint"] as? String
        }
        let first = try shown
        #expect(try stored() == first, "\(site.log)")
        #expect(try certs("rotate", "other").status == 0)
        #expect(try trial(site) == nil, "\(site.log)")
        let second = try shown
        #expect(try stored() == second && second != first, "\(site.log)")
        let retired = try certs("retire", "other")
        #expect(retired.status == 0 && retired.output.contains("\(first.prefix(16))…: its key is"), "\(retired)")
        // What its own files bring is on trial, also while the other one is replaced, until a stolen key ends that.
        try directory.write(text(two), to: "site.yaml")
        #expect(try site.command("reload", "--site", directory.path("site.yaml")).status == 0)
        func tried() throws -> Int? { try (trial(site)?["fingerprints"] as? [String])?.count }
        #expect(try tried() == 1, "\(site.log)")
        #expect(try shown == second)
        #expect(try certs("rotate", "other").status == 0)
        let third = try shown
        #expect(try stored() == third && third != second, "\(site.log)")
        #expect(try tried() == 1 && site.log.components(separatedBy: "clients first").count == 2, "\(site.log)")
        let stolen = try certs("retire", "other", "--compromised")
        #expect(stolen.status == 0, "\(stolen)")
        #expect(try trial(site) == nil, "\(site.log)")
        #expect(try clients(10, trusting: two.certificatePath, of: "api.foobar.test") == 10, "\(site.log)")
        #expect(try shown == third, "\(site.log)")
    }

    @Test("clients refuse the new one: it is taken back by itself, and one that floods with alerts does not do that")
    func takesBack() throws {
        let one = try TestCertificate("one", names: ["foobar.test"], in: directory)
        let other = try TestCertificate("other", names: ["foobar.test"], in: directory)
        func put(_ certificate: TestCertificate) throws {
            for (from, to) in [(certificate.certificatePath, "live.crt"), (certificate.keyPath, "live.key")] {
                #expect(try run("cp", [from, directory.path(to)], in: directory).status == 0)
            }
        }
        try put(one)
        let site = try start(
            "issuer: { files: { certificate: live.crt, key: live.key } }, canary: { share: 50%, time: 1h }"
        )
        try put(other)
        #expect(try site.command("reload", "--site", directory.path("site.yaml")).status == 0)
        #expect(site.log.contains("a new one is shown to 50 % of the clients first"), "\(site.log)")
        // Whoever has only the old root, and comes often, is one client.
        _ = try clients(2, trusting: one.certificatePath, times: 15)
        try eventually("they are seen", within: .seconds(60)) {
            let counts = try [trial(site)?["new"], trial(site)?["before"]].compactMap { $0 as? [String: Any] }
            return counts.reduce(0) { $0 + ($1["clients"] as? Int ?? 0) } == 2
        }
        #expect(try refusals(site, "new") <= 2 && refusals(site, "before") == 0)
        #expect(!site.log.contains("ROLLED BACK"))

        let good = try clients(40, trusting: one.certificatePath)
        #expect((1..<40).contains(good), "about half of them are shown the new one: \(good)")
        try eventually("it is taken back; \(site.log)", within: .seconds(60)) { site.log.contains("ROLLED BACK") }
        #expect(site.log.contains("clients refused it"), "\(site.log)")
        #expect(try clients(40, trusting: one.certificatePath) == 40)
        #expect(try trial(site) == nil)
        // Looking again does not begin it anew.
        #expect(try site.command("reload", "--site", directory.path("site.yaml")).status == 0)
        #expect(try trial(site) == nil)
        #expect(try clients(20, trusting: one.certificatePath) == 20)
        // An upgrade reads the files alone; so does a restart, which has nothing else.
        let upgrade = try site.command("upgrade")
        #expect(upgrade.status == 1 && upgrade.error.contains("CLIENTS REFUSED what its files hold"), "\(upgrade)")
        #expect(try clients(10, trusting: one.certificatePath) == 10)
        func isTold() throws -> Bool {
            let list = try certs("list")
            #expect(!list.output.contains("has it look again"), "\(list)")
            return list.status == 1 && list.output.contains("WARNING: CLIENTS REFUSED what its files hold")
        }
        #expect(try isTold())
        try site.stop()
        let next = try RunningSite(in: directory)
        #expect(next.log.contains("certificate web: CLIENTS REFUSED what its files hold"), "\(next.log)")
        #expect(try isTold())
        try put(one)
        let upgraded = try next.command("upgrade")
        #expect(upgraded.status == 0, "\(upgraded) \(next.log)")
        #expect(try clients(10, trusting: one.certificatePath) == 10)
        #expect(try !isTold())
    }
}
