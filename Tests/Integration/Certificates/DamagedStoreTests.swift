import Foundation
import Testing

/// What is wrong with a store beside its certificates: nothing of it is an outage, and all of it is said.
@Suite("A store that is damaged beside its certificates", .patient)
struct DamagedStoreTests: OneCertificate {
    let scene: OneCertificateScene

    init() throws { scene = try OneCertificateScene() }

    /// A site without a gateway.
    private func writeSite() throws {
        try directory.write(
            """
            site: foobar.test
            certificate-store: store
            certificates: { web: { names: [foobar.test], issuer: internal } }
            """,
            to: "site.yaml"
        )
    }

    @Test("a changed line of the history is told by everything that shows the store, and stops no rotation")
    func history() throws {
        let site = try start("issuer: internal")
        let log = directory.path("store/audit.log")
        let whole = try String(contentsOfFile: log, encoding: .utf8)
        try whole.replacingOccurrences(of: "there was none", with: "There was none")
            .write(toFile: log, atomically: false, encoding: .utf8)
        for command in [["list"], ["verify"]] {
            let said = try directory.certs(command)
            #expect(said.status == 1 && said.error.contains("audit.log is damaged: line "), "\(command): \(said)")
        }
        let checked = try run(
            try Gateway.binary,
            ["check", "--site", directory.path("site.yaml")],
            in: directory
        )
        #expect(checked.status == 0 && checked.error.contains("audit.log is damaged"), "\(checked)")
        let rotated = try certs("rotate", "web")
        #expect(rotated.status == 0 && rotated.error.contains("audit.log.damaged-1"), "\(rotated)")
        #expect(site.log.contains("warning: a history of the store that does not hold was set aside"), "\(site.log)")
        let status = try site.command("status")
        #expect(status.output.contains("WARNING: a history of the store"), "\(status)")
        let told = try certs("audit", "web")
        #expect(told.status == 1, "\(told)")
        #expect(told.output.contains("this history begins: the history before is damaged"), "\(told)")
        #expect(try certs("list").status == 1)
        // Somebody has looked into it.
        try FileManager.default.removeItem(atPath: log + ".damaged-1")
        for command in [["list"], ["verify"], ["audit"]] {
            let said = try directory.certs(command)
            #expect(said.status == 0, "\(command): \(said)")
        }
        #expect(try site.command("reload").status == 0)
        #expect(try !site.command("status").output.contains("WARNING"))
    }

    @Test("a history of another user's stops nobody: in a store of his own a user is told of it, and sets it aside")
    func historyOfAnother() throws {
        let binary = try Gateway.binary
        guard Unprivileged.isAnother, try Unprivileged.canRun(binary, in: directory) else {
            return print("not tried: it takes root to give a file to another user, who can execute \(binary)")
        }
        try writeSite()
        try Unprivileged.own(directory)
        func user(_ arguments: String...) throws -> ToolResult {
            let command = [binary, "certs"] + arguments + ["--site", directory.path("site.yaml")]
            return try Unprivileged.tool(command, in: directory)
        }
        #expect(try user("issue", "web").status == 0)
        #expect(try run("chown", ["0:0", directory.path("store/audit.log")], in: directory).status == 0)
        let told = try user("list")
        #expect(told.status == 1 && told.error.contains("audit.log: Permission denied"), "\(told)")
        let rotated = try user("rotate", "web")
        #expect(rotated.status == 0 && rotated.error.contains("audit.log.damaged-1"), "\(rotated)")
        let history = try user("audit", "web")
        #expect(history.output.contains("web issued, generation 2"), "\(history)")
        // Nor does root write into a store of another user's, where that one could not go on.
        let root = try certs("retire", "web")
        #expect(root.status == 1 && root.error.contains("sudo -u '#65534'"), "\(root)")
    }

    @Test("a store that is empty of a sudden, as one that is not mounted: nothing is made in it, the good ones stay")
    func vacant() throws {
        let site = try start("issuer: internal")
        #expect(try certs("rotate", "web").status == 0)
        let served = try directory.shown(at: port, "-fingerprint -sha256")
        func move(_ from: String, _ to: String) throws {
            #expect(try run("mv", [directory.path(from), directory.path(to)], in: directory).status == 0)
        }
        try move("store", "away")
        try FileManager.default.createDirectory(
            atPath: directory.path("store"),
            withIntermediateDirectories: false,
            attributes: [.posixPermissions: 0o700]
        )
        for _ in 0..<2 {
            let reload = try site.command("reload")
            #expect(reload.status == 0 && reload.error.contains("IS EMPTY, AND WAS NOT BEFORE"), "\(reload)")
            #expect(reload.error.contains("WHAT WAS SERVED BEFORE IS SERVED ON"), "\(reload)")
        }
        let upgrade = try site.command("upgrade")
        #expect(upgrade.status == 1 && upgrade.error.contains("is empty: mount it"), "\(upgrade)")
        for command in ["issue", "rotate"] {
            let refused = try certs(command, "web")
            #expect(refused.status == 1 && refused.error.contains("IS EMPTY, AND WAS NOT BEFORE"), "\(refused)")
        }
        for command in [["renew"], ["ca", "init"]] {
            let refused = try directory.certs(command)
            #expect(refused.status != 0, "\(command): \(refused)")
        }
        #expect(try directory.shown(at: port, "-fingerprint -sha256") == served)
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path("store")).isEmpty)
        let list = try certs("list")
        #expect(list.status == 1 && list.error.contains("IS EMPTY, AND WAS NOT BEFORE"), "\(list)")
        for command in [["list"], ["verify"], ["rollback", "web"], ["retire", "web"], ["ca", "crl"]] {
            let told = try directory.certs(command)
            let words = told.output + told.error
            #expect(told.status == 1 && words.contains("IS EMPTY, AND WAS NOT BEFORE"), "\(command): \(told)")
            #expect(!words.contains("gatehouse certs issue") && !words.contains("ca init"), "\(command): \(told)")
        }
        try FileManager.default.removeItem(atPath: directory.path("store"))
        try move("away", "store")
        let again = try site.command("reload")
        #expect(again.status == 0 && !again.error.contains("SERVED ON"), "\(again)")
        #expect(try certs("list").status == 0)
        #expect(try certs("rotate", "web").status == 0)
        #expect(try directory.shown(at: port, "-fingerprint -sha256") != served)
        #expect(site.log.contains("reloaded, configuration "), "\(site.log)")
    }

    @Test("a store of before, as a backup that is put back: nothing of it is taken, and all that look say so")
    func ofBefore() throws {
        let site = try start("issuer: internal")
        func run(_ tool: String, _ arguments: String...) throws {
            let done = try IntegrationTests.run(tool, arguments, in: directory)
            #expect(done.status == 0, "\(done)")
        }
        let (store, backup, newest) = (directory.path("store"), directory.path("backup"), directory.path("newest"))
        try run("cp", "-a", store, backup)
        #expect(try certs("rotate", "web").status == 0)
        let served = try directory.shown(at: port, "-fingerprint -sha256")
        try run("mv", store, newest)
        try run("cp", "-a", backup, store)
        for command in [["list"], ["verify"], ["audit"]] {
            let told = try directory.certs(command)
            #expect(told.status == 1 && told.error.contains("IS ONE OF BEFORE"), "\(command): \(told)")
        }
        for command in [
            ["issue", "web"], ["renew"], ["rotate", "web"], ["standby", "web"], ["rollback", "web"],
            ["retire", "web", "--compromised", "--revoke", "key-compromise"],
            ["import", "web", "--from", directory.path("nowhere")], ["deploy", "web"], ["account", "rotate"],
            ["ca", "init"], ["ca", "renew", "--revoke", "key-compromise"], ["ca", "crl"],
            ["ca", "detach", "--out", directory.path("root.key")],
        ] {
            let refused = try directory.certs(command)
            #expect(refused.status == 1 && refused.output.isEmpty, "\(command): \(refused)")
            #expect(refused.error.contains("IS ONE OF BEFORE"), "\(command): \(refused)")
            #expect(refused.error.contains("; nothing was done"), "\(command): \(refused)")
        }
        let histories = try [store, backup].map { try String(contentsOfFile: "\($0)/audit.log", encoding: .utf8) }
        #expect(histories[0] == histories[1], "nothing has come about")
        #expect(try certs("ca", "export").status == 0)
        let reload = try site.command("reload")
        #expect(reload.error.contains("WHAT WAS SERVED BEFORE IS SERVED ON"), "\(reload)")
        let upgrade = try site.command("upgrade")
        #expect(upgrade.status == 1 && upgrade.error.contains("IS ONE OF BEFORE"), "\(upgrade)")
        #expect(try directory.shown(at: port, "-fingerprint -sha256") == served)
        try FileManager.default.removeItem(atPath: store)
        try run("mv", newest, store)
        let again = try site.command("reload")
        #expect(again.status == 0 && !again.error.contains("SERVED ON"), "\(again)")
        #expect(try certs("list").status == 0 && certs("audit").status == 0)
        #expect(try directory.shown(at: port, "-fingerprint -sha256") == served)
        #expect(try certs("rotate", "web").status == 0)
    }

    @Test("a start that finds no internal CA says that it has made one, and a later one does not")
    func newAuthority() throws {
        let words = "THE INTERNAL CA IS NEW: there was none in \(directory.path("store"))"
        func says(_ isNew: Bool) throws {
            let site = try start("issuer: internal")
            #expect(site.log.contains(words) == isNew, "\(site.log)")
            #expect(try site.command("status").output.contains("root since 20"))
            try site.stop()
        }
        try says(true)
        try says(false)
        // Another intermediate is of the same root.
        try FileManager.default.removeItem(atPath: directory.path("store/internal-ca"))
        try FileManager.default.removeItem(atPath: directory.path("store/web"))
        try says(false)
        #expect(FileManager.default.fileExists(atPath: directory.path("store/internal-ca")))
        // The folder on which a file system is to be mounted.
        let moved = try run("mv", [directory.path("store"), directory.path("away")], in: directory)
        #expect(moved.status == 0)
        try says(true)
    }

    @Test("a file system that can hold no more files, though it has room: it is told before a certificate is due")
    func fullOfFiles() throws {
        guard geteuid() == 0 else { return print("not tried: only root may mount") }
        try directory.write(
            """
            site: foobar.test
            certificate-store: few/store
            certificates: { web: { names: [foobar.test], issuer: internal } }
            """,
            to: "site.yaml"
        )
        let script = """
            cd "$1"
            mkdir few
            mount -t tmpfs -o size=4m,nr_inodes=200,mode=0700 none few || exit 77
            certs() { "$BINARY" certs "$@" --site site.yaml --socket admin.sock; }
            BINARY="$2"
            certs issue web && certs list || exit 1
            for number in $(seq 200); do touch few/ballast.$number 2>/dev/null || break; done
            for what in list verify; do
                certs $what && exit 2
                certs $what 2>&1 | grep "few/store: No space left on device; make room" || exit 3
            done
            """
        try directory.write(script, to: "few.sh")
        let result = try run(
            "unshare",
            ["--mount", "sh", directory.path("few.sh"), directory.root, try Gateway.binary],
            in: directory
        )
        #expect(result.status == 0, "\(result)")
    }

    @Test("a file system that is read-only: who would make a certificate that was never made there is told so")
    func readOnly() throws {
        guard geteuid() == 0 else { return print("not tried: only root may mount") }
        try directory.write(
            """
            site: foobar.test
            certificate-store: disk/store
            certificates: { web: { names: [foobar.test], issuer: internal } }
            """,
            to: "site.yaml"
        )
        let script = """
            cd "$1"
            mkdir disk
            mount -t tmpfs -o size=4m,mode=0700 none disk || exit 77
            certs() { "$BINARY" certs "$@" --site site.yaml --socket admin.sock; }
            BINARY="$2"
            certs issue web || exit 1
            rm disk/store/.claims/web || exit 2
            mount -o remount,ro disk || exit 77
            certs rotate web 2>told
            status=$?
            cat told
            [ $status = 3 ] || exit 3
            grep -q "disk/store cannot be used (.*Read-only file system); mount its file system" told || exit 4
            mount -o remount,rw disk || exit 77
            certs rotate web
            """
        try directory.write(script, to: "disk.sh")
        let result = try run(
            "unshare",
            ["--mount", "sh", directory.path("disk.sh"), directory.root, try Gateway.binary],
            in: directory
        )
        #expect(result.status == 0, "\(result)")
    }

    @Test("a key of the internal CA that others may read is said before the next certificate is refused for it")
    func authority() throws {
        try writeSite()
        #expect(try certs("issue", "web").status == 0)
        let key = directory.path("store/internal-ca/1/key.pem")
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: key)
        for command in [["list"], ["verify"]] {
            let said = try directory.certs(command)
            #expect(said.status == 1 && said.error.contains("could sign nothing"), "\(command): \(said)")
            #expect(said.error.contains("chmod 600"), "\(said)")
        }
        #expect(try certs("rotate", "web").status != 0)
    }

    @Test("a damaged list of what was revoked is told, with what helps, by all that looks at the store")
    func revocationList() throws {
        try writeSite()
        for command in [["issue", "web"], ["ca", "crl"]] { #expect(try directory.certs(command).status == 0) }
        let home = directory.path("store/internal-ca")
        let list = try #require(
            try FileManager.default.contentsOfDirectory(atPath: home).first { $0.hasSuffix(".crl") }
        )
        try Data("damaged".utf8).write(to: URL(fileURLWithPath: "\(home)/\(list)"))
        for command in [["list"], ["verify"], ["ca", "crl"]] {
            let said = try directory.certs(command)
            #expect(said.status == 1 && said.error.contains("\(home)/\(list): "), "\(command): \(said)")
            #expect(said.error.contains("remove it, which has the next one made anew"), "\(command): \(said)")
        }
        #expect(try certs("rotate", "web").status == 0)
    }

    @Test("a damaged root of the internal CA keeps no gateway from starting, and is said by its log and by the lists")
    func root() throws {
        try writeSite()
        #expect(try certs("issue", "web").status == 0)
        let issued = try stored
        try Data().write(to: URL(fileURLWithPath: directory.path("store/internal-ca-root/1/fullchain.pem")))
        let site = try start("issuer: internal")
        #expect(try shown == issued)
        #expect(site.log.contains("the internal CA could sign nothing"), "\(site.log)")
        for command in [["list"], ["verify"]] {
            let said = try directory.certs(command)
            #expect(said.error.contains("could sign nothing"), "\(command): \(said)")
        }
    }

    @Test("a good certificate whose folder vanishes is served on, and told; back in its place it is the store's again")
    func vanished() throws {
        let one = try TestCertificate("one", names: ["foobar.test"], in: directory)
        let site = try start("issuer: { acme: \"https://127.0.0.1:1/dir\" }")
        let brought = try certs("import", "web", "--certificate", one.certificatePath, "--key", one.keyPath)
        #expect(brought.status == 0, "\(brought)")
        let fingerprint = try shown
        #expect(try fingerprint == stored)
        func move(_ from: String, _ to: String) throws {
            #expect(try run("mv", [directory.path(from), directory.path(to)], in: directory).status == 0)
        }
        try move("store/web", "web.away")
        try eventually("it is told; \(site.log)", within: .seconds(60)) { site.log.contains("store/web IS GONE") }
        #expect(try shown == fingerprint)
        #expect(try site.command("reload").status == 0)
        #expect(try shown == fingerprint)
        try move("web.away", "store/web")
        #expect(try site.command("reload").status == 0)
        let list = try certs("list")
        #expect(list.output.contains("served") && !list.error.contains("GONE"), "\(list)")
        #expect(try shown == fingerprint)
    }

    @Test("a generation whose folder is gone is served on, and told within the next looks by all that shows the store")
    func lostGeneration() throws {
        let site = try start("issuer: internal")
        let first = try shown
        #expect(try certs("rotate", "web").status == 0)
        let fingerprint = try shown
        try FileManager.default.removeItem(atPath: directory.path("store/web/2"))
        let words = "store/web/2 IS GONE, which the file `current` beside it names"
        try eventually("it is told; \(site.log)", within: .seconds(60)) { site.log.contains(words) }
        #expect(site.log.contains("WHAT WAS SERVED BEFORE IS SERVED ON"))
        #expect(try shown == fingerprint)
        for command in [["list"], ["verify"]] {
            let said = try directory.certs(command)
            #expect(said.status == 1 && (said.output + said.error).contains(words), "\(command): \(said)")
        }
        let checked = try run(try Gateway.binary, ["check", "--site", directory.path("site.yaml")], in: directory)
        #expect(checked.status == 1 && checked.error.contains(words), "\(checked)")
        // The way that is told.
        let back = try certs("rollback", "web")
        #expect(back.status == 0, "\(back)")
        #expect(try shown == first)
        #expect(try certs("list").status == 0)
    }

    @Test("six commands at once for a certificate that is not there: one makes it, the others find it in force")
    func together() throws {
        try writeSite()
        let all = try (1...6).map { number in
            try ChildProcess(
                try Gateway.binary,
                ["certs", "issue", "web", "--site", directory.path("site.yaml"), "--socket", directory.path("none")],
                in: directory,
                name: "issue-\(number)"
            )
        }
        for one in all { #expect(try one.wait(within: .seconds(120)) == 0, "\(one.standardError)") }
        let said = all.map(\.standardOutput)
        #expect(said.filter { $0.contains("is already in force") }.count == 5, "\(said)")
        #expect(said.filter { $0.contains("issued, good until") }.count == 1, "\(said)")
        let history = try certs("audit", "--json")
        let entries = try JSONSerialization.jsonObject(with: Data(history.output.utf8)) as? [[String: Any]] ?? []
        #expect(entries.filter { $0["certificate"] as? String == "web" }.count == 1, "\(history)")
        let times = entries.compactMap { $0["at"] as? String }
        #expect(times == times.sorted() && times.count == entries.count, "\(times)")
    }
}
