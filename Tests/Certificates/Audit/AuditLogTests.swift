import Foundation
import Testing

@testable import Certificates

@Suite("The audit log")
struct AuditLogTests {
    private func event(_ number: Int) -> AuditEvent {
        AuditEvent(
            .issued,
            certificate: "foobar.com",
            generation: number,
            fingerprint: String(repeating: "ab", count: 32),
            issuer: "CN=\"quoted\"\nand broken",
            reason: "test \(number)"
        )
    }

    private func log(of count: Int, in scratch: Scratch) throws -> AuditLog {
        let log = AuditLog(path: scratch.path + "/audit.log")
        for number in 0..<count { try log.append(event(number + 1), now: 1_800_000_000 + Int64(number)) }
        return log
    }

    @Test("what was told is read back, for its owner alone")
    func readsBack() throws {
        let scratch = try Scratch()
        let findings = try log(of: 3, in: scratch).verify()
        #expect(findings.fault == nil)
        #expect(findings.entries.map(\.event) == (1...3).map(event))
        #expect(findings.entries.map(\.number) == [1, 2, 3])
        #expect(findings.entries.map(\.moment) == [1_800_000_000, 1_800_000_001, 1_800_000_002])
        #expect(Set(findings.entries.map(\.hash)).count == 3)
        #expect(try scratch.mode("audit.log") == 0o600)
    }

    @Test("there is none before the first change")
    func empty() throws {
        let scratch = try Scratch()
        let findings = try AuditLog(path: scratch.path + "/audit.log").verify()
        #expect(findings.entries.isEmpty && findings.fault == nil)
    }

    @Test("a line changed, taken out, put twice or moved is found, and set aside for another history that says so")
    func tampering() throws {
        let scratch = try Scratch()
        let log = try log(of: 4, in: scratch)
        let whole = try String(contentsOfFile: log.path, encoding: .utf8)
        let lines = whole.split(separator: "\n").map(String.init)
        let forgeries: [(Int, [String])] = [
            (2, [lines[0], lines[1].replacingOccurrences(of: "test 2", with: "test 7"), lines[2], lines[3]]),
            (2, [lines[0], lines[2], lines[3]]),
            (3, [lines[0], lines[1], lines[1], lines[2]]),
            (1, [lines[1], lines[0], lines[2]]),
            (1, ["{}"] + lines),
        ]
        #expect(log.fault == nil)
        for (index, (line, forged)) in forgeries.enumerated() {
            let text = forged.joined(separator: "\n") + "\n"
            try scratch.write("audit.log", text)
            #expect(try log.verify().fault?.line == line)
            #expect(log.fault?.contains("line \(line)") == true)
            try log.append(event(9), now: 7)
            let damaged = try #require(log.damagedOnes.last)
            #expect(log.damagedOnes.count == index + 1)
            #expect(try String(contentsOfFile: damaged, encoding: .utf8) == text)
            let findings = try log.verify()
            #expect(findings.fault == nil && log.fault == nil)
            #expect(findings.entries.map(\.event.kind) == [.begun, .issued])
            let said = try #require(findings.entries.first?.event.reason)
            #expect(said.contains("line \(line)") && said.contains("audit.log.damaged-\(index + 1)"), "\(said)")
            // It goes on as any other.
            try log.append(event(10), now: 8)
            #expect(try log.verify().entries.count == 3)
        }
        #expect(log.damagedOnes.map { $0.suffix(1) } == ["1", "2", "3", "4", "5"])
        try scratch.write("audit.log", whole)
        #expect(try log.verify().fault == nil)
    }

    @Test("what others may read, what is no file, and what is no text: set aside, too; what was revoked stays known")
    func unreadable() throws {
        let scratch = try Scratch()
        let log = AuditLog(path: scratch.path + "/audit.log")
        var revoked = event(1)
        revoked.kind = .revoked
        try log.append(revoked, now: 1)
        try scratch.write("audit.log", try String(contentsOfFile: log.path, encoding: .utf8), mode: 0o644)
        #expect(log.fault?.contains("mode 644") == true)
        try log.append(event(2), now: 2)
        #expect(try log.verify().entries.map(\.event.kind) == [.begun, .issued])
        try FileManager.default.removeItem(atPath: log.path)
        try FileManager.default.createDirectory(atPath: log.path, withIntermediateDirectories: false)
        #expect(log.fault?.contains("not a regular file") == true)
        try log.append(event(3), now: 3)
        #expect(try log.verify().entries.map(\.event.kind) == [.begun, .issued])
        try scratch.write("audit.log", "\u{0}garbage without an end")
        #expect(log.fault != nil)
        try log.append([event(4), event(5)], now: 4)
        #expect(try log.verify().entries.map(\.event.kind) == [.begun, .issued, .issued])
        #expect(log.damagedOnes.count == 3)
        // Its file is too open yet, and tells nothing that could be relied on.
        #expect(log.revoked.isEmpty)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: log.path + ".damaged-1")
        #expect(log.revoked == [revoked.fingerprint])
    }

    @Test("one that this user may not read stays whole; in a store of others nothing is told past it")
    func denied() async {
        // In a process of its own, since a user is the process's.
        await #expect(processExitsWith: .success) {
            guard geteuid() == 0 else { return print("not tried: only root can become another user") }
            let event = AuditEvent(.issued, certificate: "a", generation: 1, fingerprint: "", issuer: "", reason: "")
            let scratch = try Scratch()
            let log = AuditLog(path: scratch.path + "/audit.log")
            try log.append(event, now: 1)
            let nobody: UInt32 = 65_534
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: scratch.path)
            #expect(seteuid(nobody) == 0)
            #expect(throws: CertificateProblem.self) { try log.append(event, now: 2) }
            #expect(log.damagedOnes.isEmpty && log.fault == nil)
            #expect(seteuid(0) == 0)
            #expect(try log.verify().entries.count == 1)
            try FileManager.default.setAttributes([.ownerAccountID: nobody], ofItemAtPath: scratch.path)
            #expect(seteuid(nobody) == 0)
            // In a store of his own it is set aside.
            try log.append(event, now: 3)
            #expect(try log.verify().entries.map(\.event.kind) == [.begun, .issued])
            #expect(seteuid(0) == 0)
            #expect(try AuditLog(path: log.path + ".damaged-1").verify().entries.count == 1)
        }
    }

    @Test("every single bit of it counts")
    func bits() throws {
        let scratch = try Scratch()
        let log = try log(of: 2, in: scratch)
        let whole = try Data(contentsOf: URL(fileURLWithPath: log.path))
        for index in stride(from: 0, to: whole.count, by: 7) {
            var changed = whole
            changed[index] ^= 0x01
            try changed.write(to: URL(fileURLWithPath: log.path))
            let findings = try log.verify()
            #expect(findings.fault != nil || findings.entries.count < 2, "byte \(index)")
        }
    }

    @Test("a history that is gone on with is looked at as closely: every bit counts, and a line that is missing")
    func chain() throws {
        let scratch = try Scratch()
        let log = try log(of: 3, in: scratch)
        let whole = try Data(contentsOf: URL(fileURLWithPath: log.path))
        #expect(AuditLog.lastLink(of: [])?.number == 0)
        let last = try #require(AuditLog.lastLink(of: Array(whole)))
        #expect(last.number == 3 && log.verifiedHash == last.hash)
        for index in whole.indices {
            var changed = whole
            changed[index] ^= 0x01
            #expect(AuditLog.lastLink(of: Array(changed)) == nil, "byte \(index)")
        }
        for length in 1..<whole.count {
            let link = AuditLog.lastLink(of: Array(whole.prefix(length)))
            #expect((link != nil) == (whole[length - 1] == 0x0A), "cut at \(length)")
        }
        let lines = whole.split(separator: 0x0A)
        for order in [[0, 2], [1, 2], [1, 0, 2], [0, 1, 1, 2]] {
            #expect(AuditLog.lastLink(of: order.flatMap { Array(lines[$0]) + [0x0A] }) == nil, "\(order)")
        }
        // What a crash left, and was marked, is passed over.
        try scratch.write("audit.log", String(decoding: whole.prefix(whole.count - 40), as: UTF8.self))
        try log.append(event(3), now: 5)
        let marked = try Data(contentsOf: URL(fileURLWithPath: log.path))
        #expect(AuditLog.lastLink(of: Array(marked))?.number == 3)
    }

    @Test("a line that a crash cut short, anywhere, is marked and the log goes on")
    func torn() throws {
        let scratch = try Scratch()
        let log = try log(of: 2, in: scratch)
        let whole = try String(contentsOfFile: log.path, encoding: .utf8)
        let first = whole.split(separator: "\n")[0].utf8.count + 1
        for length in first + 1..<whole.utf8.count {
            try scratch.write("audit.log", String(decoding: Array(whole.utf8.prefix(length)), as: UTF8.self))
            try log.append(event(2), now: 5)
            let findings = try log.verify()
            #expect(findings.fault == nil, "cut at \(length): \(findings)")
            #expect(findings.entries.map(\.event) == [event(1), event(2)])
        }
    }
}

extension AuditLog {
    fileprivate var verifiedHash: String? { try? verify().entries.last?.hash }
}
