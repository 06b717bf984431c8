import Foundation
import Testing

/// The program of `deploy`, which is told of a certificate that was replaced.
@Suite("Programs that are told of new certificates", .patient)
struct DeploymentTests: OneCertificate {
    let scene: OneCertificateScene

    init() throws { scene = try OneCertificateScene() }

    @Test("a program is told of what is served now; one that fails is told of, and changes nothing")
    func deploys() throws {
        try directory.writeProgram("echo \"$@\" >told.new; mv told.new told; test ! -e fail")
        let site = try start("issuer: internal, deploy: { run: [program, first], timeout: 50s }")
        func told() -> String {
            String(decoding: FileManager.default.contents(atPath: directory.path("told")) ?? Data(), as: UTF8.self)
        }
        func line(_ number: Int) -> String {
            let folder = directory.path("store/web/\(number)")
            return "first web \(folder)/fullchain.pem \(folder)/key.pem\n"
        }
        func deployments() -> Int { site.log.components(separatedBy: "certificate web: deployed").count - 1 }
        try eventually("what is issued at the start is news, too", within: .seconds(120)) {
            told() == line(1) && deployments() == 1
        }
        #expect(try certs("rotate", "web").status == 0)
        try eventually("it is told", within: .seconds(120)) { told() == line(2) }
        try eventually("the log says so", within: .seconds(120)) { deployments() == 2 }
        try directory.write("", to: "fail")
        #expect(try certs("rotate", "web").status == 0)
        try eventually("the log says that it failed", within: .seconds(120)) {
            site.log.contains("certificate web: it is in force, but was not deployed")
        }
        #expect(told() == line(3))
        #expect(try shown == stored)
        #expect(try certs("deploy", "web").status == 1)
        try FileManager.default.removeItem(atPath: directory.path("fail"))
        let again = try certs("deploy", "web")
        #expect(again.status == 0 && again.output == "certificate web: deployed\n", "\(again)")
    }

    @Test("a program that failed is told of until it is run again, which a reload has done at once")
    func deploysAgain() throws {
        try directory.writeProgram("test ! -e fail")
        try directory.write("", to: "fail")
        let site = try start("issuer: internal, deploy: { run: [program] }")
        func deployments() -> Int { site.log.components(separatedBy: "certificate web: deployed").count - 1 }
        func fails() throws {
            for command in ["list", "verify"] {
                let told = try certs(command)
                #expect(told.status == 1 && (told.output + told.error).contains("not deployed: "), "\(told)")
            }
            let status = try site.command("status").output
            #expect(status.contains("but was not deployed"), "\(status)")
        }
        try eventually("the log says that it failed", within: .seconds(120)) {
            site.log.contains("certificate web: it is in force, but was not deployed")
        }
        try fails()
        try FileManager.default.removeItem(atPath: directory.path("fail"))
        #expect(try site.command("reload").status == 0)
        try eventually("a reload tries at once", within: .seconds(30)) { deployments() == 1 }
        #expect(try certs("list").status == 0)
        #expect(try certs("verify").status == 0)
        #expect(try !site.command("status").output.contains("not deployed"))
    }

    @Test("a program that failed, or never ran, is run by the next start for what is there by then")
    func owesDeployment() throws {
        try directory.writeProgram("test ! -e fail && echo \"$2\" >>told")
        func told() -> [String] {
            String(decoding: FileManager.default.contents(atPath: directory.path("told")) ?? Data(), as: UTF8.self)
                .split(separator: "\n").map(String.init)
        }
        func chain(_ number: Int) -> String { directory.path("store/web/\(number)/fullchain.pem") }
        try directory.write("", to: "fail")
        let first = try start("issuer: internal, deploy: { run: [program] }")
        try eventually("the log says that it failed", within: .seconds(120)) {
            first.log.contains("certificate web: it is in force, but was not deployed")
        }
        try first.stop()
        try FileManager.default.removeItem(atPath: directory.path("fail"))
        let second = try RunningSite(in: directory)
        try eventually("it is told by the next start", within: .seconds(120)) {
            told() == [chain(1)] && second.log.contains("certificate web: deployed")
        }
        try second.stop()
        // Where no gateway runs, the command tells it: the next start has no news of that.
        #expect(try certs("rotate", "web").status == 0)
        #expect(told() == [chain(1), chain(2)])
        let third = try RunningSite(in: directory)
        #expect(try certs("rotate", "web").status == 0)
        try eventually("what comes is told, and nothing twice", within: .seconds(120)) { told().count > 2 }
        #expect(told() == [chain(1), chain(2), chain(3)], "\(third.log)")
    }

    @Test("where no gateway runs, the timer's command runs a program again that failed, once it is due")
    func renews() throws {
        try directory.write(
            """
            site: foobar.test
            certificate-store: store
            certificates: { web: { names: [foobar.test], issuer: internal, deploy: { run: [program] } } }
            """,
            to: "site.yaml"
        )
        try directory.writeProgram("echo \"$2\" >>told; test ! -e fail")
        func told() -> Int {
            String(decoding: FileManager.default.contents(atPath: directory.path("told")) ?? Data(), as: UTF8.self)
                .split(separator: "\n").count
        }
        try directory.write("", to: "fail")
        let issued = try certs("issue", "web")
        #expect(issued.status == 1 && issued.error.contains("was not deployed") && told() == 1, "\(issued)")
        try FileManager.default.removeItem(atPath: directory.path("fail"))
        let waiting = try certs("renew")
        #expect(waiting.status == 1 && waiting.error.contains("certificate web: not deployed: "), "\(waiting)")
        #expect(told() == 1)
        // As a minute later.
        let home = directory.path("store/deployed")
        let name = try #require(
            try FileManager.default.contentsOfDirectory(atPath: home).first { !$0.hasSuffix(".lock") }
        )
        let record = URL(fileURLWithPath: "\(home)/\(name)")
        var kept = try #require(try JSONSerialization.jsonObject(with: Data(contentsOf: record)) as? [String: Any])
        kept["next"] = 1
        try JSONSerialization.data(withJSONObject: kept).write(to: record)
        let renewed = try certs("renew")
        #expect(renewed.status == 0 && renewed.output.contains("certificate web: deployed\n"), "\(renewed)")
        #expect(try certs("list").status == 0)
        let idle = try certs("renew")
        #expect(idle.status == 0 && idle.output == "no certificate is due\n" && told() == 2, "\(idle)")
    }

    @Test("of several, a program that fails keeps no other from being run")
    func several() throws {
        try directory.write(
            """
            site: foobar.test
            certificate-store: store
            certificates:
              one: { names: [one.foobar.test], issuer: internal, deploy: { run: [program] } }
              two: { names: [two.foobar.test], issuer: internal, deploy: { run: [program] } }
            """,
            to: "site.yaml"
        )
        try directory.writeProgram("echo \"$1\" >>told; test \"$1\" != one")
        for command in [["renew"], ["rotate", "one", "two"]] {
            try directory.write("", to: "told")
            let made = try directory.certs(command)
            #expect(made.status == 1 && made.error.contains("certificate one: "), "\(command): \(made)")
            #expect(made.output.contains("certificate two: deployed\n"), "\(command): \(made)")
            #expect(try String(contentsOfFile: directory.path("told"), encoding: .utf8) == "one\ntwo\n", "\(command)")
        }
    }

    @Test("an upgrade is refused while a program runs, which would be run twice at a time, and ended by nobody")
    func upgrades() throws {
        try directory.writeProgram("echo \"$2\" >>told; while ! test -e go; do sleep 0.01; done")
        let site = try start("issuer: internal, deploy: { run: [program] }")
        func told() -> [String] {
            String(decoding: FileManager.default.contents(atPath: directory.path("told")) ?? Data(), as: UTF8.self)
                .split(separator: "\n").map(String.init)
        }
        try eventually("it runs", within: .seconds(120)) { told().count == 1 }
        let refused = try site.command("upgrade")
        #expect(refused.status == 1 && refused.error.contains("certificate web is running"), "\(refused)")
        try directory.write("", to: "go")
        try eventually("it ends", within: .seconds(60)) { site.log.contains("certificate web: deployed") }
        try eventually("the upgrade goes on", within: .seconds(60)) { try site.command("upgrade").status == 0 }
        #expect(try certs("rotate", "web").status == 0)
        try eventually("the new version tells", within: .seconds(120)) { told().count > 1 }
        #expect(told() == [1, 2].map { directory.path("store/web/\($0)/fullchain.pem") })
    }

    @Test("a program that a stop has left running is waited for by the next start: no two run at a time")
    func restarts() throws {
        try directory.writeProgram("echo begin >>told; while ! test -e go; do sleep 0.01; done; echo end >>told")
        let first = try start("issuer: internal, deploy: { run: [program], timeout: 600s }")
        func told() -> [String] {
            String(decoding: FileManager.default.contents(atPath: directory.path("told")) ?? Data(), as: UTF8.self)
                .split(separator: "\n").map(String.init)
        }
        try eventually("it runs", within: .seconds(120)) { told() == ["begin"] }
        try first.stop()
        let second = try RunningSite(in: directory)
        try eventually("the next start waits", within: .seconds(120)) { second.log.contains("is running yet") }
        #expect(told() == ["begin"])
        try directory.write("", to: "go")
        try eventually("it is told by the next start", within: .seconds(120)) {
            second.log.contains("certificate web: deployed")
        }
        #expect(told() == ["begin", "end", "begin", "end"])
    }

    @Test("a program that a command starts has the cores as others have, though the command yields to them")
    func yieldsNotForGood() throws {
        try directory.writeProgram("nice >told")
        try start("issuer: internal, deploy: { run: [program] }").stop()
        try directory.write("", to: "told")
        #expect(try certs("rotate", "web").status == 0)
        let told = FileManager.default.contents(atPath: directory.path("told")) ?? Data()
        #expect(try String(decoding: told, as: UTF8.self) == run("nice", [], in: directory).output)
    }
}
