"""What is held, who pays and what is posted: pure decisions about money, none of them about prices."""
