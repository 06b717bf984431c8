import Certificates
import Foundation
import Linux
import Site
import Testing

@Suite("A program of `deploy` that runs yet though who began it is gone")
struct DeploymentTurnTests {
    private let now = Int64(Date().timeIntervalSince1970)
    private let gateway = GatewayIdentity(socket: "/run/gatehouse/one.sock")
    private let scratch: Scratch
    private let settings: CertificateSettings

    init() throws {
        scratch = try Scratch()
        var settings = CertificateSettings(name: "web", names: [.exact("foobar.com")], issuer: .internal)
        settings.deploy = DeploySettings()
        settings.deploy?.command = ["/bin/sh", "-c", "echo run >>'\(scratch.path)/runs'"]
        self.settings = settings
        _ = try scratch.provider(for: settings, at: now).provide(settings)
    }

    private func has(_ file: String) -> Bool { FileManager.default.fileExists(atPath: "\(scratch.path)/\(file)") }

    private func deploy(_ tell: (String) -> Void = { _ in }) throws -> Bool {
        try scratch.provider(for: settings, at: now).deploy(settings, showing: { [] }, at: gateway, tell: tell)
    }

    /// Has a script run that has the turn, and nobody else has.
    ///
    /// - Parameters:
    ///   - deadline: until when it may: monotonic milliseconds.
    ///   - delay: ticks between its beginning and what is written down of that.
    private func leave(_ script: String, until deadline: UInt64, delay: UInt64 = 0) throws -> ChildProcess {
        let home = scratch.store.folder + "/deployed"
        try FileWriting.createFolder(home)
        let lock = try FileLock.take("\(home)/web.\(gateway).lock", within: 60_000)
        let child = try ProcessStart(
            program: "/bin/sh",
            arguments: ["sh", "-c", "exec >/dev/null 2>&1; cd '\(scratch.path)'; \(script)"],
            descriptors: [(raw: lock.raw, at: 10)]
        ).run()
        let process = child.identifier
        let beginning = try #require(ProcessAncestry.beginning(of: process))
        lock.sign("\(deadline) \(process) \(beginning + delay)")
        return child
    }

    @Test("holds its turn itself, and is known by its process, as long as it runs")
    func inherits() throws {
        let file = "\(scratch.store.folder)/deployed/web.\(gateway).lock"
        var settings = settings
        let script = "until grep -q \" $$ \" '\(file)'; do sleep 0.01; done; test /proc/$$/fd/10 -ef '\(file)'"
        settings.deploy?.command = ["/bin/sh", "-c", script]
        let isDone = try scratch.provider(for: settings, at: now).deploy(settings, showing: { [] }, at: gateway)
        #expect(isDone)
        #expect(try String(contentsOfFile: file, encoding: .utf8).isEmpty)
        #expect(!FileLock.isHeld(file))
    }

    @Test("is waited for: no other begins before it has ended")
    func waits() throws {
        let deadline = Clock.monotonicNanoseconds / 1_000_000 + 600_000
        let child = try leave("while ! test -e go; do sleep 0.01; done; test ! -e runs", until: deadline)
        let process = child.identifier
        var told: [String] = []
        let isDone = try deploy { text in
            told.append(text)
            _ = try? scratch.write("go", "")
        }
        #expect(isDone && has("runs"))
        #expect(told.count == 1 && told.first?.contains("process \(process)") == true, "\(told)")
        let end = child.wait(milliseconds: 60_000)
        #expect(end == .exited(0))
        told = []
        let isDoneAgain = try deploy { told.append($0) }
        #expect(isDoneAgain && told.isEmpty)
    }

    @Test(
        "is ended with its group when its time is over, deaf or not; another process that has its number is not",
        arguments: [true, false]
    )
    func late(isTheOne: Bool) throws {
        let child = try leave(
            "trap '' TERM; touch begun; for i in $(seq 1200); do sleep 0.05; done",
            until: 0,
            delay: isTheOne ? 0 : 1
        )
        let limit = ContinuousClock.now + .seconds(60)
        while !has("begun"), ContinuousClock.now < limit { usleep(1_000) }
        let isDone = try deploy()
        #expect(isDone && has("runs"))
        let end = child.wait(milliseconds: isTheOne ? 60_000 : 0)
        let expected: ProcessEnd? = isTheOne ? .killed(signal: SIGKILL) : nil
        #expect(end == expected)
        if end == nil {
            child.signalGroup(SIGKILL)
            _ = child.wait(milliseconds: 60_000)
        }
        var told: [String] = []
        let isDoneAgain = try deploy { told.append($0) }
        #expect(isDoneAgain && told.isEmpty, "nobody waits for it any more")
    }

    @Test("is ended by one of two that wait for it, and the other waits for that one's")
    func twoWait() throws {
        let child = try leave("trap '' TERM; touch begun; for i in $(seq 1200); do sleep 0.05; done", until: 0)
        let limit = ContinuousClock.now + .seconds(60)
        while !has("begun"), ContinuousClock.now < limit { usleep(1_000) }
        var settings = settings
        // Longer than the other waits before it looks again.
        let script = "cd '\(scratch.path)'; mkdir busy || exit 1; sleep 5; rmdir busy; echo run >>runs"
        settings.deploy?.command = ["/bin/sh", "-c", script]
        let provider = scratch.provider(for: settings, at: now)
        let (ready, identity) = (settings, gateway)
        DispatchQueue.concurrentPerform(iterations: 2) { _ in
            do {
                let isDone = try provider.deploy(ready, showing: { [] }, at: identity)
                #expect(isDone)
            } catch {
                Issue.record("two at a time: \(error)")
            }
        }
        #expect(try String(contentsOfFile: "\(scratch.path)/runs", encoding: .utf8) == "run\nrun\n")
        _ = child.wait(milliseconds: 60_000)
    }

    @Test("leaves nothing in a store that has no such certificate")
    func nothing() throws {
        let empty = try Scratch()
        #expect(throws: CertificateProblem.self) {
            try empty.provider(for: settings, at: now).deploy(settings, showing: { [] }, at: gateway)
        }
        #expect(!FileManager.default.fileExists(atPath: empty.store.folder + "/deployed"))
    }
}
