/// The rules of the network that this process is in.
package struct LiveKernel: Sendable {
    package let process: KernelProcess

    package init(_ process: KernelProcess = KernelProcess()) {
        self.process = process
    }

    /// Runs commands as one transaction: all take effect, or none and it throws.
    package func load(_ text: String) throws(KernelFailure) {
        _ = try process.run(.load, text)
    }

    /// What a listing prints as JSON, with counters.
    package func json(_ listing: RulesetListing) throws(KernelFailure) -> [UInt8] {
        try process.run(.json, listing.command)
    }

    /// What a listing prints as text that can be loaded, without counters.
    package func text(_ listing: RulesetListing) throws(KernelFailure) -> [UInt8] {
        try process.run(.text, listing.command)
    }

    /// The names of all tables.
    package func tables() throws(KernelFailure) -> [TableName] {
        String(decoding: try text(.tables), as: UTF8.self).split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ")
            return words.count == 3 ? TableName(family: String(words[1]), name: String(words[2])) : nil
        }
    }
}
