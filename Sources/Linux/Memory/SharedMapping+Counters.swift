import Synchronization

extension SharedMapping {
    /// Takes off, wrapping around, and returns the value before.
    @discardableResult
    package func subtract(_ index: Int, _ value: UInt64) -> UInt64 {
        precondition(index >= 0 && index < count, "word outside the mapping")
        return unsafe words[index].wrappingSubtract(value, ordering: .relaxed).oldValue
    }

    /// Adds to a word that only the calling thread writes: a load and a store, a fifth of the cost of `add`.
    package func bump(_ index: Int, by step: UInt64 = 1) {
        precondition(index >= 0 && index < count, "word outside the mapping")
        let value = unsafe words[index].load(ordering: .relaxed)
        unsafe words[index].store(value &+ step, ordering: .relaxed)
    }

    /// The memory from word `first` on, as bytes, for a ring that lives in it.
    @unsafe
    package func bytes(fromWord first: Int) -> UnsafeMutableRawPointer {
        precondition(first >= 0 && first < count, "word outside the mapping")
        return unsafe UnsafeMutableRawPointer(words.advanced(by: first))
    }
}
