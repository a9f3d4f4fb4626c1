"""What the grid's frequency does after its largest loss, and the reserve that arrests it (protocol 9.18)."""
