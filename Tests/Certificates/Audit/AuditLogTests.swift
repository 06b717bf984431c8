import Certificates
import Foundation
import Testing

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

    @Test("a line changed, taken out, put twice or moved is found, and nothing is built upon it")
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
        for (line, forged) in forgeries {
            try scratch.write("audit.log", forged.joined(separator: "\n") + "\n")
            #expect(try log.verify().fault?.line == line)
            #expect(throws: CertificateProblem.self) { try log.append(event(9), now: 0) }
            #expect(try String(contentsOfFile: log.path, encoding: .utf8) == forged.joined(separator: "\n") + "\n")
        }
        try scratch.write("audit.log", whole)
        #expect(try log.verify().fault == nil)
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
