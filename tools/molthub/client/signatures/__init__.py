"""Publishers' signatures as a client judges them: by the keys of the index, its policy, and who signed before."""
