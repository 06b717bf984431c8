import Glibc
import Linux
import Testing

@Suite("Memory handed over and memory wiped")
struct MemoryTests {
    @Test("sealed memory comes out as it went in, and cannot be changed", arguments: [0, 1, 4096, 300_000])
    func sealed(size: Int) throws {
        let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let memory = try SealedMemory.create(name: "test", bytes)
        #expect(try SealedMemory.read(memory.raw, limit: size) == bytes)
        #expect(ftruncate(memory.raw, 7) != 0)
        #expect(unsafe write(memory.raw, "x", 1) != 1)
    }

    @Test("memory that is too large or not sealed is refused")
    func refused() throws {
        let memory = try SealedMemory.create(name: "test", [1, 2, 3])
        #expect(throws: SystemError("read of sealed memory", EFBIG)) { try SealedMemory.read(memory.raw, limit: 2) }
        let open = try SharedMapping(name: "test", words: 4)
        #expect(throws: SystemError("read of unsealed memory", EPERM)) {
            try SealedMemory.read(open.descriptor.raw, limit: 1000)
        }
    }

    @Test("two mappings of one memory see each other's words, and none of another size is made")
    func shared() throws {
        let first = try SharedMapping(name: "test", words: 16)
        let second = try SharedMapping(adopting: first.descriptor.duplicate(), words: 16)
        first.store(15, 42)
        second.add(15, .max)
        #expect(first.load(15) == 41)
        #expect(throws: SystemError.self) {
            _ = try SharedMapping(adopting: first.descriptor.duplicate(), words: 17)
        }
        #expect(ftruncate(first.descriptor.raw, 0) != 0)
    }

    @Test("a secret is there until it is wiped")
    func secret() throws {
        let secret = try SecretBytes(copying: Array("-----BEGIN".utf8).span)
        #expect(secret.bytes[0] == UInt8(ascii: "-"))
        secret.replace(at: 8, with: Array("IN".utf8).span)
        secret.wipe()
        for index in 0..<secret.count { #expect(secret.bytes[index] == 0) }
        var array = Array("secret".utf8)
        array.wipe()
        #expect(array == [UInt8](repeating: 0, count: 6))
    }

    @Test("a secret's room is empty at first, whatever was in it before, and nobody else's")
    func rooms() throws {
        // More at a time than are kept for later, of one page and of several.
        for round in UInt8(1)...3 {
            let secrets = try (0..<12).map { try SecretBytes(count: $0 == 11 ? 9000 : 500) }
            for (place, secret) in secrets.enumerated() {
                let isEmpty = (0..<secret.count).allSatisfy { secret.bytes[$0] == 0 }
                #expect(isEmpty, "round \(round), secret \(place)")
                for index in 0..<secret.count { secret.set(index, round * 16 + UInt8(place)) }
            }
            for (place, secret) in secrets.enumerated() {
                let isOwn = (0..<secret.count).allSatisfy { secret.bytes[$0] == round * 16 + UInt8(place) }
                #expect(isOwn, "round \(round), secret \(place)")
            }
        }
    }

    @Test("a heartbeat is read in another process' mapping")
    func heartbeats() throws {
        let ours = try Heartbeats(capacity: 3)
        let theirs = try Heartbeats(adopting: ours.duplicateDescriptor(), capacity: 3)
        #expect(ours.reading(worker: 2) == .init(activity: .absent, beat: 0, detail: 0))
        theirs.enter(.request, worker: 2, detail: 77)
        theirs.beat(worker: 2)
        #expect(ours.reading(worker: 2) == .init(activity: .request, beat: 1, detail: 77))
        #expect(ours.reading(worker: 1).activity == .absent)
        ours.clear()
        #expect(theirs.reading(worker: 2).activity == .absent)
    }
}
