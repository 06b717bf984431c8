import Foundation

/// The library of `Tests/Tools/allocation-counter.c`, preloaded into a gateway and all that it starts.
struct AllocationCounter {
    /// Calls of malloc and its kin in one process since the counter was armed.
    struct Reading {
        var ours = 0
        /// Those made by libssl, libcrypto and libnghttp2.
        var theirs = 0
        /// Of ours, by the return addresses that led there, innermost first.
        var stacks: [[UInt64]: Int] = [:]
    }

    private let directory: TemporaryDirectory
    private let stem: String
    private let library: String

    init(in directory: TemporaryDirectory) throws {
        self.directory = directory
        stem = directory.path("allocations")
        library = try PreloadedLibrary.make("allocation-counter", in: directory)
    }

    /// For the gateway's start.
    var environment: [String: String] { ["LD_PRELOAD": library, "GATEHOUSE_ALLOCATIONS": stem] }

    /// Has the processes that run now count.
    func arm() throws {
        for board in try boards() {
            guard let file = FileHandle(forWritingAtPath: board) else { throw HarnessError("cannot write \(board)") }
            try file.write(contentsOf: Data([1, 0, 0, 0, 0, 0, 0, 0]))
            try file.close()
        }
    }

    func read(_ process: pid_t) throws -> Reading {
        var reading = Reading()
        let bytes = try directory.contents(of: "allocations.\(process)")
        let words = stride(from: 0, to: bytes.count - 7, by: 8).map { start in
            bytes[start..<(start + 8)].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        }
        let (head, depth) = (3, 24)
        guard words.count > head else { throw HarnessError("nothing is counted of process \(process)") }
        reading.ours = Int(words[1])
        reading.theirs = Int(words[2])
        for start in stride(from: head, to: words.count, by: 2 + depth) where words[start] > 0 {
            reading.stacks[Array(words[(start + 2)..<(start + 2 + depth)]), default: 0] += Int(words[start])
        }
        return reading
    }

    /// What a stack is in the program's own words, as far as the toolchain's tools can say.
    func describe(_ stack: [UInt64], of program: String) -> String {
        // A return address is the one behind the call.
        let addresses = stack.filter { $0 > 0 }.map { "0x" + String($0 - 1, radix: 16) }
        let named = try? run("llvm-symbolizer", ["--obj=\(program)", "--output-style=GNU"] + addresses, in: directory)
        let readable = try? run("swift-demangle", ["--simplified"], in: directory, input: named?.output ?? "")
        guard let readable, readable.status == 0 else { return addresses.joined(separator: " ") }
        return readable.output
    }

    /// One file a process.
    private func boards() throws -> [String] {
        let names = try FileManager.default.contentsOfDirectory(atPath: directory.root)
        return names.filter { $0.hasPrefix("allocations.") }.map { directory.path($0) }
    }
}
